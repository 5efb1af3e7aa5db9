from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0003_job_state_trigger")]
    operations = [
        migrations.AddField(
            model_name="jobbatch",
            name="resumed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]

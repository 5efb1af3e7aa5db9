from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_gate_rate_and_breaker"),
    ]

    operations = [
        migrations.AddField(
            model_name="backendconnection",
            name="full_pass_not_before",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_audit_append_only")]

    operations = [
        migrations.RemoveField("backendconnection", "watermark"),
        migrations.AddField(
            "backendconnection",
            "watermarks",
            models.JSONField(blank=True, default=dict, editable=False),
        ),
    ]

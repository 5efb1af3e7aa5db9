
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='backendconnection',
            name='password_encoding',
            field=models.CharField(choices=[('utf-8', 'UTF-8'), ('iso-8859-1', 'ISO-8859-1 (Latin-1)')], default='utf-8', help_text='As the BroadWorks server’s authenticationEncoding. With another one it refuses right passwords that hold æ, ø or å.', max_length=12, verbose_name='encoding of BroadWorks passwords'),
        ),
    ]

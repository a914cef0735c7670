"""Checkpoints are numbered, so that one that is deleted shows."""

from django.db import migrations, models

NUMBER = """
UPDATE audit_logcheckpoint AS c SET number = n.number
FROM (SELECT size, row_number() OVER (ORDER BY size) AS number FROM audit_logcheckpoint) AS n WHERE n.size = c.size
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0010_auditors_keys")]

    operations = [
        migrations.AddField("LogCheckpoint", "number", models.BigIntegerField(null=True)),
        migrations.RunSQL(NUMBER, migrations.RunSQL.noop),
        migrations.AlterField("LogCheckpoint", "number", models.BigIntegerField(unique=True)),
    ]

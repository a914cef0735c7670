"""What the sequencer could not use is refused by the database already."""

from django.db import migrations, models
from django.db.models.lookups import Exact

IS_HASH = Exact(models.Func("digest", function="octet_length", output_field=models.IntegerField()), 32)


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_the_log")]

    operations = [
        migrations.AddConstraint(
            "LogQueue", models.CheckConstraint(condition=IS_HASH, name="a_waiting_digest_is_a_hash")
        ),
        migrations.AddConstraint(
            "LogEntry", models.CheckConstraint(condition=IS_HASH, name="a_leafs_digest_is_a_hash")
        ),
        migrations.AddConstraint(
            "LogEntry",
            models.CheckConstraint(condition=models.Q(("leaf__gte", 0), ("place__gte", 0)), name="leaves_begin_at_0"),
        ),
    ]

"""The latest act of a kind is looked up often: which policy is in force, how the last shadow replay went."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0011_numbered_checkpoints")]

    operations = [
        migrations.AddIndex("AuditEvent", models.Index(fields=["kind", "-id"], name="acts_of_a_kind")),
    ]

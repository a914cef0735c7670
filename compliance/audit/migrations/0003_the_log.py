"""The log: its queue, its leaves, its checkpoints, and other events. Records of before are given their commitments."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import migrations, models
from django.db.migrations.exceptions import IrreversibleError

from compliance.audit.log.commitment import SALT_BYTES, commit


def commit_records(apps: Any, schema_editor: Any) -> None:
    """Salt every record that is there, and queue its commitment."""
    record, queue = apps.get_model("audit", "ServeRecord"), apps.get_model("audit", "LogQueue")
    for row in record.objects.only("id", "body").iterator(chunk_size=500):
        salt = secrets.token_bytes(SALT_BYTES)
        record.objects.filter(pk=row.pk).update(salt=salt)
        queue.objects.create(id=row.pk, kind="serve", digest=commit(row.pk, salt, bytes(row.body)))


def refuse_to_forget(apps: Any, schema_editor: Any) -> None:
    """Backwards would draw other salts later, and no leaf of a signed log would fit its record any more."""
    if apps.get_model("audit", "LogCheckpoint").objects.exists():
        raise IrreversibleError(
            "The audit log was signed: going back would destroy its leaves and its records' salts. Restore a backup, "
            "or delete the checkpoints yourself if the log is to be given up."
        )


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_store_bytes_as_they_are")]

    operations = [
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=24)),
                ("happened_at", models.DateTimeField()),
                ("body", models.BinaryField()),
                ("salt", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="LogCheckpoint",
            fields=[
                ("size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.BinaryField()),
                ("note", models.TextField()),
                ("made_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="LogEntry",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "leaf", "place", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("leaf", models.BigIntegerField()),
                ("place", models.IntegerField()),
                ("event_id", models.UUIDField(unique=True)),
                ("kind", models.CharField(max_length=24)),
                ("digest", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="LogQueue",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=24)),
                ("digest", models.BinaryField()),
            ],
        ),
        migrations.AddField("ServeRecord", "salt", models.BinaryField(default=b""), preserve_default=False),
        migrations.RunPython(commit_records, refuse_to_forget),
    ]

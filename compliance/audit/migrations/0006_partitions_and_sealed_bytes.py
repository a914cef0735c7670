"""Records and events by month; sealed blobs and item versions. What is there already stays as it is, in one partition.

Bodies of before are in the clear; their commitments are over those very bytes, so they are left untouched.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.utils import timezone

from compliance.audit.storage.partitions import BY_ID, Month, make_ahead

COLUMNS = """
ALTER TABLE audit_serverecord
    DROP COLUMN plan_sha256, DROP COLUMN snapshot_sha256, DROP COLUMN output_sha256, DROP COLUMN body_sha256,
    ADD COLUMN source varchar(64) NOT NULL DEFAULT '',
    ALTER COLUMN model_sha256 DROP NOT NULL,
    ALTER COLUMN model_sha256 TYPE bytea USING decode(nullif(model_sha256, ''), 'hex');
ALTER TABLE audit_serverecord ALTER COLUMN source DROP DEFAULT;
ALTER TABLE audit_auditevent ADD COLUMN pseudonym uuid NULL;
"""

SEALED = """
CREATE TABLE audit_sealedblob (
    period date NOT NULL, address bytea NOT NULL, pseudonym uuid NOT NULL, content bytea NOT NULL,
    PRIMARY KEY (period, address)
) PARTITION BY RANGE (period);
ALTER TABLE audit_sealedblob ALTER content SET STORAGE EXTERNAL;
ALTER TABLE audit_auditevent ALTER body SET STORAGE EXTERNAL;
"""

INDEXES = {"audit_serverecord": "CREATE INDEX records_of_a_subject ON audit_serverecord (pseudonym, id DESC)"}


def partition(apps: Any, schema_editor: Any) -> None:
    """Put a partitioned table in front of each table; what is in it stays where it is, as the first partition."""
    now = timezone.now()
    after = Month.of(now).plus(1)
    with schema_editor.connection.cursor() as cursor:
        for table in BY_ID:
            before = f"{table}_before_{after.year}_{after.month:02d}"
            cursor.execute(f"ALTER TABLE {table} RENAME TO {before}")
            cursor.execute(f"ALTER INDEX {table}_pkey RENAME TO {before}_pkey")
            cursor.execute(
                f"CREATE TABLE {table} (LIKE {before} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE, "
                f"PRIMARY KEY (id)) PARTITION BY RANGE (id)"
            )
            if table in INDEXES:
                cursor.execute(f"ALTER INDEX records_of_a_subject RENAME TO {before}_of_a_subject")
                cursor.execute(INDEXES[table])
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {before})")
            if cursor.fetchone()[0]:
                cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {before} FOR VALUES FROM (MINVALUE) TO ('{after.first_id}')")
            else:
                cursor.execute(f"DROP TABLE {before}")
    make_ahead(now=now)


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_subjects_keys")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(COLUMNS), migrations.RunSQL(SEALED)],
            state_operations=[
                migrations.RemoveField("ServeRecord", "plan_sha256"),
                migrations.RemoveField("ServeRecord", "snapshot_sha256"),
                migrations.RemoveField("ServeRecord", "output_sha256"),
                migrations.RemoveField("ServeRecord", "body_sha256"),
                migrations.AddField("ServeRecord", "source", models.CharField(blank=True, max_length=64), preserve_default=False),
                migrations.AlterField("ServeRecord", "model_sha256", models.BinaryField(null=True)),
                migrations.AddField("AuditEvent", "pseudonym", models.UUIDField(null=True)),
                migrations.CreateModel(
                    name="SealedBlob",
                    fields=[
                        ("pk", models.CompositePrimaryKey("period", "address", blank=True, editable=False, primary_key=True, serialize=False)),
                        ("period", models.DateField()),
                        ("address", models.BinaryField()),
                        ("pseudonym", models.UUIDField()),
                        ("content", models.BinaryField()),
                    ],
                ),
            ],
        ),
        migrations.CreateModel(
            name="ItemVersion",
            fields=[
                ("number", models.BigAutoField(primary_key=True, serialize=False)),
                ("sha256", models.BinaryField(unique=True)),
                ("content", models.BinaryField()),
            ],
        ),
        migrations.RunPython(partition),
    ]

"""When a commitment came to the log: a decision taken elsewhere may be weeks old by then, by its id."""

from __future__ import annotations

from django.db import migrations, models
from django.utils import timezone


class Migration(migrations.Migration):
    dependencies = [("audit", "0012_events_by_kind")]

    operations = [
        migrations.AddField("LogQueue", "queued_at", models.DateTimeField(default=timezone.now)),
        migrations.RunSQL(
            "ALTER TABLE audit_logqueue ALTER COLUMN queued_at SET DEFAULT now()", migrations.RunSQL.noop
        ),
        migrations.AddField("LogEntry", "queued_at", models.DateTimeField(null=True)),
    ]

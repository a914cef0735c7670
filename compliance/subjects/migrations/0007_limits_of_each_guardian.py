import django.db.models.deletion
from django.db import migrations, models

OWNERS = """
-- A limit was one row for all guardians: each who is linked gets it as their own, so that none is loosened.
INSERT INTO subjects_control (subject_id, kind, target, value, by_guardian, set_at, set_by_id)
SELECT held.subject_id, held.kind, held.target, held.value, true, held.set_at, link.guardian_id
FROM subjects_control AS held JOIN subjects_guardianship AS link ON link.child_id = held.subject_id
WHERE held.by_guardian AND held.set_by_id IS NULL;
DELETE FROM subjects_control WHERE by_guardian AND set_by_id IS NULL;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):

    dependencies = [("subjects", "0006_age_assurance")]

    operations = [
        migrations.RemoveConstraint(model_name="control", name="one_control_per_target"),
        migrations.AddField(
            model_name="control",
            name="set_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="limits_set",
                to="subjects.subject",
            ),
        ),
        migrations.RunSQL(OWNERS, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="control",
            constraint=models.UniqueConstraint(
                fields=("subject", "kind", "target", "by_guardian", "set_by"),
                name="one_control_per_target",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="control",
            constraint=models.CheckConstraint(
                condition=models.Q(("set_by", None), ("by_guardian", True), _connector="OR"),
                name="nobody_else_sets_ones_own",
            ),
        ),
    ]

"""What the database holds to by itself: a decision has its statement, people close complaints, nothing is edited."""

from __future__ import annotations

from django.db import migrations

# Statement and decision point at each other, checked at commit: neither can be there alone, not even by SQL.
STATED = """
ALTER TABLE statements_decision ADD CONSTRAINT decision_has_its_statement
    FOREIGN KEY (id) REFERENCES statements_statement (decision_id) DEFERRABLE INITIALLY DEFERRED
"""
UNSTATED = "ALTER TABLE statements_decision DROP CONSTRAINT decision_has_its_statement"

# Keys of two columns: the reviewer's kind is the actor's own, and the complaint's decider is the decision's.
REVIEWED = """
ALTER TABLE statements_complaint ADD CONSTRAINT complaint_reviewer_is_of_that_kind
    FOREIGN KEY (reviewer_id, reviewer_kind) REFERENCES statements_actor (id, kind) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE statements_decision ADD CONSTRAINT decision_with_its_decider UNIQUE (id, decided_by_id);
ALTER TABLE statements_complaint ADD CONSTRAINT complaint_decider_is_the_decisions
    FOREIGN KEY (statement_id, decider_id) REFERENCES statements_decision (id, decided_by_id)
    DEFERRABLE INITIALLY DEFERRED;
"""
NOT_REVIEWED = """
ALTER TABLE statements_complaint DROP CONSTRAINT complaint_decider_is_the_decisions;
ALTER TABLE statements_decision DROP CONSTRAINT decision_with_its_decider;
ALTER TABLE statements_complaint DROP CONSTRAINT complaint_reviewer_is_of_that_kind;
"""

LASTING = ("decision", "statement", "reversal", "actor")
KEPT = """
CREATE FUNCTION statements_refuse_edits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are never changed or deleted: add a new entry instead.', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION statements_refuse_reopening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.outcome <> '' OR (NEW.id, NEW.statement_id, NEW.complainant_id, NEW.text, NEW.made_at)
        IS DISTINCT FROM (OLD.id, OLD.statement_id, OLD.complainant_id, OLD.text, OLD.made_at) THEN
        RAISE EXCEPTION 'What a complaint says, and a closed complaint, are never changed: add a new entry instead.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER statements_complaint_kept BEFORE UPDATE OR DELETE ON statements_complaint
    FOR EACH ROW EXECUTE FUNCTION statements_refuse_reopening();
""" + "".join(
    f"CREATE TRIGGER statements_{table}_kept BEFORE UPDATE OR DELETE ON statements_{table} "
    "FOR EACH ROW EXECUTE FUNCTION statements_refuse_edits();\n"
    for table in LASTING
)
NOT_KEPT = "".join(f"DROP TRIGGER statements_{table}_kept ON statements_{table};\n" for table in LASTING) + """
DROP TRIGGER statements_complaint_kept ON statements_complaint;
DROP FUNCTION statements_refuse_reopening();
DROP FUNCTION statements_refuse_edits();
"""


class Migration(migrations.Migration):
    dependencies = [("statements", "0001_initial")]

    operations = [
        migrations.RunSQL(STATED, UNSTATED),
        migrations.RunSQL(REVIEWED, NOT_REVIEWED),
        migrations.RunSQL(KEPT, NOT_KEPT),
    ]

"""A complaint is upheld only where its decision was reversed: the database holds to it by itself (DSA Art. 20(4))."""

from __future__ import annotations

from django.db import migrations

UPHELD = """
CREATE FUNCTION statements_refuse_empty_uphold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM statements_reversal WHERE decision_id = NEW.statement_id) THEN
        RAISE EXCEPTION 'A complaint is upheld by reversing its decision, and this one was not reversed: reverse it.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER statements_complaint_upheld BEFORE INSERT OR UPDATE ON statements_complaint
    FOR EACH ROW WHEN (NEW.outcome = 'upheld') EXECUTE FUNCTION statements_refuse_empty_uphold();
"""
NOT_UPHELD = """
DROP TRIGGER statements_complaint_upheld ON statements_complaint;
DROP FUNCTION statements_refuse_empty_uphold();
"""


class Migration(migrations.Migration):
    dependencies = [("statements", "0002_undeniable")]

    operations = [migrations.RunSQL(UPHELD, NOT_UPHELD)]

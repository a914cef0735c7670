from django.db import migrations

REFUSE = """
CREATE FUNCTION subjects_looks_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT 1 FROM subjects_subject WHERE id = OLD.child_id) THEN
            RAISE EXCEPTION 'A look at an account is never deleted: the child reads it as long as they are here.';
        END IF;
    ELSIF NEW.guardian_id IS NOT NULL OR to_jsonb(NEW) - 'guardian_id' <> to_jsonb(OLD) - 'guardian_id'
          OR EXISTS (SELECT 1 FROM subjects_subject WHERE id = OLD.guardian_id) THEN
        RAISE EXCEPTION 'A look at an account is never changed: it says who looked at what, and when.';
    END IF;
    RETURN NULL;
END $$;
-- At the end of the transaction: a child's looks go with the child, a guardian's name with the guardian.
CREATE CONSTRAINT TRIGGER subjects_looks_stay AFTER UPDATE OR DELETE ON subjects_guardianview
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION subjects_looks_stay();
"""
ALLOW = """
DROP TRIGGER subjects_looks_stay ON subjects_guardianview;
DROP FUNCTION subjects_looks_stay();
"""


class Migration(migrations.Migration):

    dependencies = [("subjects", "0007_limits_of_each_guardian")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]

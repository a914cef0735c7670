from django.db import migrations

REFUSE = """
CREATE FUNCTION labels_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A label is never deleted: add the next one of its source, which supersedes it.';
    END IF;
    IF OLD.superseded_by IS NOT NULL OR NEW.superseded_by IS NULL
       OR to_jsonb(NEW) - 'superseded_by' <> to_jsonb(OLD) - 'superseded_by' THEN
        RAISE EXCEPTION 'A label is never changed: add the next one of its source, which supersedes it.';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labels_append_only BEFORE UPDATE OR DELETE ON labels_label
    FOR EACH ROW EXECUTE FUNCTION labels_append_only();
"""
ALLOW = """
DROP TRIGGER labels_append_only ON labels_label;
DROP FUNCTION labels_append_only();
"""


class Migration(migrations.Migration):

    dependencies = [("labels", "0001_initial")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]

"""A text that changes takes its item from minors at once, until it was read: nothing was said of the new one."""

from __future__ import annotations

from django.db import migrations

# What is for adults stays so, and findings stay. The mark tells which labels are to be computed again.
CLEAR = """
CREATE FUNCTION labels_changed_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.suitable_from NOT IN ('', 'adult')
       AND (NEW.title, NEW.facts -> 'description') IS DISTINCT FROM (OLD.title, OLD.facts -> 'description') THEN
        NEW.suitable_from := '';
        NEW.label_source := 'text changed';
        NEW.label_confidence := '';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labels_changed_text BEFORE UPDATE OF title, facts ON catalogue_item
    FOR EACH ROW EXECUTE FUNCTION labels_changed_text();
"""
LEAVE = """
DROP TRIGGER labels_changed_text ON catalogue_item;
DROP FUNCTION labels_changed_text();
"""


class Migration(migrations.Migration):

    dependencies = [("labels", "0003_words_of_earlier_labels")]

    operations = [migrations.RunSQL(CLEAR, LEAVE)]

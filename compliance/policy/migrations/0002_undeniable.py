"""What the database holds to by itself: a version's bytes are its address's, and its states come in their order."""

from __future__ import annotations

from django.db import migrations

KEPT = """
CREATE FUNCTION policy_version_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A version of a policy set is never deleted: refuse it instead.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.sha256 <> encode(sha256(NEW.content), 'hex') THEN
            RAISE EXCEPTION 'The bytes of this policy set are not those of its address: propose it again.'
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.state <> 'proposed' THEN
            RAISE EXCEPTION 'A version of a policy set begins as a proposal.' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.service, NEW.sha256, NEW.content, NEW.why, NEW.proposed_by, NEW.proposed_at)
        IS DISTINCT FROM (OLD.id, OLD.service, OLD.sha256, OLD.content, OLD.why, OLD.proposed_by, OLD.proposed_at) THEN
        RAISE EXCEPTION 'What was proposed, by whom and why is never changed: propose a new version.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'proposed' AND (NEW.dry_run, NEW.checked, NEW.approved_by, NEW.approved_at)
        IS DISTINCT FROM (OLD.dry_run, OLD.checked, OLD.approved_by, OLD.approved_at) THEN
        RAISE EXCEPTION 'What a version was approved by is never changed: propose a new version.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('proposed', 'approved'), ('proposed', 'refused'), ('approved', 'active'), ('approved', 'refused'),
        ('active', 'retired')
    ) THEN
        RAISE EXCEPTION 'A version that is % cannot become %.', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER policy_version_kept BEFORE INSERT OR UPDATE OR DELETE ON policy_policyversion
    FOR EACH ROW EXECUTE FUNCTION policy_version_kept();
"""
NOT_KEPT = """
DROP TRIGGER policy_version_kept ON policy_policyversion;
DROP FUNCTION policy_version_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("policy", "0001_policy_versions")]

    operations = [migrations.RunSQL(KEPT, NOT_KEPT)]

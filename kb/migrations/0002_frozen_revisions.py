from django.db import migrations

FREEZE = """
CREATE FUNCTION kb_refuse_revision_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The one change allowed: its author's account was removed.
    IF OLD.created_by_id IS NOT NULL AND NEW.created_by_id IS NULL THEN
        NEW.created_by_id := OLD.created_by_id;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            NEW.created_by_id := NULL;
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'revision % is frozen: make a new revision instead', OLD.id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER revision_is_frozen BEFORE UPDATE ON kb_revision
    FOR EACH ROW EXECUTE FUNCTION kb_refuse_revision_change();
"""
THAW = "DROP TRIGGER revision_is_frozen ON kb_revision; DROP FUNCTION kb_refuse_revision_change();"


class Migration(migrations.Migration):
    dependencies = [("kb", "0001_initial")]
    operations = [migrations.RunSQL(FREEZE, THAW)]

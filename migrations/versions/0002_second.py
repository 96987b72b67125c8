"""What was learned from the first schema."""

from alembic import op

revision = "0002"
down_revision = "0001"

# Rows are changed as the role that sees every tenant's: behind forced security the owner of the tables sees none.
CHANGES = """
-- Latent terms: measured with and without, they changed no order and cost half of a search's time.
ALTER TABLE passages DROP COLUMN sentence_latents;

-- What a call was for.
ALTER TABLE model_calls ADD COLUMN purpose text NOT NULL DEFAULT 'answer'
  CHECK (purpose IN ('answer', 'vision', 'transcript', 'voice', 'review', 'trial'));
SET LOCAL ROLE savdo_platform;
UPDATE model_calls SET purpose = 'transcript' WHERE provider = 'speech';
RESET ROLE;

-- A channel's wait is the whole connection's: nothing goes out on it until then.
ALTER TABLE connections ADD COLUMN paused_until timestamptz;
-- What another company says about it that its owner has to know: {kind: {words, at}}. What stood among the problems so far is
-- told again where it still holds.
ALTER TABLE connections ADD COLUMN alerts jsonb NOT NULL DEFAULT '{}';
SET LOCAL ROLE savdo_platform;
UPDATE connections SET problem = NULL
 WHERE status = 'active' AND channel IN ('whatsapp_cloud', 'messenger', 'instagram', 'telegram_userbot');
RESET ROLE;
-- Since when nothing reaches the customer on this road; another one's may be open.
ALTER TABLE conversations ADD COLUMN blocked_at timestamptz;
SET LOCAL ROLE savdo_platform;
UPDATE conversations c SET blocked_at = p.unreachable_at FROM contacts p WHERE p.tenant_id = c.tenant_id AND p.id = c.contact_id;
RESET ROLE;
ALTER TABLE contacts DROP COLUMN unreachable_at;
-- What went wrong with a message, as a word: a page has a sentence for it.
ALTER TABLE messages ADD COLUMN error_code text;
-- One of a single customer grows each time this message is refused for it.
ALTER TABLE messages ADD COLUMN waits integer NOT NULL DEFAULT 0;

-- The revision at which the customer last edited or took back a message: a draft of what was said before is not sent.
ALTER TABLE conversations ADD COLUMN changed_revision bigint NOT NULL DEFAULT 0;

-- What a picture among the knowledge shows, in its owner's words.
ALTER TABLE documents ADD COLUMN caption text NOT NULL DEFAULT '';

-- A phone number and an address stand sealed at the contact, and nowhere else: of a fact only that it was told.
SET LOCAL ROLE savdo_platform;
UPDATE leads SET facts = facts || (SELECT jsonb_object_agg(key, true) FROM jsonb_each(facts) WHERE key IN ('phone', 'email'))
 WHERE facts ?| ARRAY['phone', 'email'];
UPDATE turns SET reading = jsonb_set(reading, '{entities}', reading->'entities'
       || (SELECT jsonb_object_agg(key, true) FROM jsonb_each(reading->'entities') WHERE key IN ('phone', 'email')))
 WHERE reading->'entities' ?| ARRAY['phone', 'email'];
RESET ROLE;

-- Visits and calls that a time was given for. `place`: which of those received at once it is; none for a conversation that is
-- only a test. That lengths may change and times then overlap is looked at under a lock (savdo.appointments.booking).
CREATE TABLE appointments (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  contact_id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
  place smallint CHECK (place > 0),
  status text NOT NULL DEFAULT 'booked' CHECK (status IN ('booked', 'cancelled')),
  note text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);
CREATE UNIQUE INDEX appointments_once ON appointments (tenant_id, starts_at, place) WHERE status = 'booked';
CREATE INDEX appointments_of_contact ON appointments (tenant_id, contact_id, starts_at);
CREATE INDEX appointments_of_conversation ON appointments (tenant_id, conversation_id);

-- Who asked for no more messages and then asks something by themselves is answered by a person.
ALTER TABLE handovers DROP CONSTRAINT handovers_reason_check;
ALTER TABLE handovers ADD CONSTRAINT handovers_reason_check
  CHECK (reason IN ('keyword', 'complaint', 'ready_to_buy', 'low_confidence', 'member', 'failure', 'opted_out'));
"""

# New tables of tenants' rows stand behind the same policies as those of the first schema.
POLICIES = """
DO $$
DECLARE t record;
BEGIN
  FOR t IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT c.relrowsecurity
              AND c.relname NOT LIKE 'procrastinate%' AND c.relname NOT IN ('limits', 'deletions') LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t.relname);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t.relname);
    EXECUTE format('CREATE POLICY own_rows ON %I TO savdo_app USING (tenant_id = (SELECT current_setting(''app.tenant_id'')::uuid))', t.relname);
    EXECUTE format('CREATE POLICY every_row ON %I TO savdo_platform USING (true)', t.relname);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO savdo_app, savdo_platform', t.relname);
  END LOOP;
END $$;
"""


def upgrade() -> None:
    for sql in (CHANGES, POLICIES):
        # The driver reads a percent sign as a placeholder.
        op.get_bind().exec_driver_sql(sql.replace("%", "%%"))

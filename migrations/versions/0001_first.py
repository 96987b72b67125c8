"""The first schema: tenants, conversations, knowledge, jobs; every tenant table behind forced row-level security."""

from alembic import op
from procrastinate import App, PsycopgConnector

revision = "0001"
down_revision = None

ROLES = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'savdo_app') THEN CREATE ROLE savdo_app NOLOGIN; END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'savdo_platform') THEN CREATE ROLE savdo_platform NOLOGIN; END IF;
  -- Roles belong to the whole server: two databases that are migrated side by side would both change the same row.
  IF NOT (pg_has_role(current_user, 'savdo_app', 'SET') AND pg_has_role(current_user, 'savdo_platform', 'SET')) THEN
    EXECUTE format('GRANT savdo_app, savdo_platform TO %I WITH SET TRUE', current_user);
  END IF;
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA public TO %I', current_user);
END $$;
GRANT USAGE ON SCHEMA public TO savdo_app, savdo_platform;
CREATE EXTENSION IF NOT EXISTS vector;
"""

TABLES = """
CREATE TABLE tenants (
  id uuid PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  profile jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE members (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  id uuid NOT NULL,
  name text NOT NULL,
  email_sealed bytea NOT NULL,
  email_hash bytea NOT NULL,
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'agent', 'viewer')),
  password_hash text NOT NULL,
  language text NOT NULL DEFAULT 'en' CHECK (language IN ('uz', 'ru', 'kk', 'en')),
  theme text NOT NULL DEFAULT 'auto' CHECK (theme IN ('auto', 'light', 'dark')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, email_hash)
);
CREATE INDEX members_email ON members (email_hash);

CREATE TABLE logins (
  tenant_id uuid NOT NULL,
  token_hash bytea NOT NULL,
  member_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, token_hash),
  FOREIGN KEY (tenant_id, member_id) REFERENCES members ON DELETE CASCADE
);

CREATE TABLE api_keys (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  id uuid NOT NULL,
  name text NOT NULL,
  secret_hash bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE connections (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  id uuid NOT NULL,
  channel text NOT NULL,
  name text NOT NULL,
  key text NOT NULL UNIQUE,
  -- Whose it is at the other company, a bot's id.
  account text,
  credentials bytea NOT NULL,
  settings jsonb NOT NULL DEFAULT '{}',
  state jsonb NOT NULL DEFAULT '{}',
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'reconnect', 'off')),
  problem text,
  last_event_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
-- One of them for the whole installation: two readers of one bot would each lose half of its messages.
CREATE UNIQUE INDEX connections_account ON connections (channel, account) WHERE status <> 'off';
-- Some events name only the business that several numbers belong to.
CREATE INDEX connections_business ON connections ((settings->>'business_id')) WHERE settings ? 'business_id';

-- A personal Telegram account: who speaks for it now, whom it may write to, what is asked of it, and logging in.
CREATE TABLE userbot_leases (
  tenant_id uuid NOT NULL,
  connection_id uuid NOT NULL,
  holder uuid NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, connection_id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections ON DELETE CASCADE
);

CREATE TABLE userbot_peers (
  tenant_id uuid NOT NULL,
  connection_id uuid NOT NULL,
  peer bigint NOT NULL,
  access_hash bigint NOT NULL,
  wrote_at timestamptz,
  PRIMARY KEY (tenant_id, connection_id, peer),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections ON DELETE CASCADE
);

CREATE TABLE userbot_calls (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  connection_id uuid NOT NULL,
  request bytea NOT NULL,
  answer bytea,
  asked_at timestamptz NOT NULL DEFAULT now(),
  claimed_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections ON DELETE CASCADE
);
CREATE INDEX userbot_calls_waiting ON userbot_calls (tenant_id, connection_id, id) WHERE claimed_at IS NULL;

CREATE TABLE userbot_logins (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  id uuid NOT NULL,
  state bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- Somebody is at Meta's dialog, or back and about to choose: found is what they may connect, with its tokens.
CREATE TABLE logins_at_meta (
  tenant_id uuid NOT NULL,
  state_hash bytea NOT NULL,
  member_id uuid NOT NULL,
  channel text NOT NULL,
  by_page boolean NOT NULL,
  found bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (tenant_id, state_hash),
  FOREIGN KEY (tenant_id, member_id) REFERENCES members ON DELETE CASCADE
);

CREATE TABLE contacts (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  id uuid NOT NULL,
  name text,
  language text,
  phone_sealed bytea,
  phone_hash bytea,
  email_sealed bytea,
  email_hash bytea,
  attributes jsonb NOT NULL DEFAULT '{}',
  opted_out_at timestamptz,
  unreachable_at timestamptz,
  -- The contact it counts as since it was merged, never one that was merged itself.
  merged_into uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, merged_into) REFERENCES contacts ON DELETE CASCADE
);
CREATE INDEX contacts_phone ON contacts (tenant_id, phone_hash) WHERE phone_hash IS NOT NULL;
CREATE INDEX contacts_email ON contacts (tenant_id, email_hash) WHERE email_hash IS NOT NULL;
CREATE INDEX contacts_merged ON contacts (tenant_id, merged_into) WHERE merged_into IS NOT NULL;

-- Two contacts that are one person. Whose a road was before stands at the road itself (origin_id), so undoing one takes
-- back what came in since; gained names what the contact that stays took over from the other.
CREATE TABLE merges (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  contact_id uuid NOT NULL,
  merged_id uuid NOT NULL,
  reason text NOT NULL CHECK (reason IN ('phone', 'member')),
  gained jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  undone_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, merged_id) REFERENCES contacts ON DELETE CASCADE
);
CREATE UNIQUE INDEX merges_standing ON merges (tenant_id, merged_id) WHERE undone_at IS NULL;
CREATE INDEX merges_contact ON merges (tenant_id, contact_id);

CREATE TABLE identities (
  tenant_id uuid NOT NULL,
  connection_id uuid NOT NULL,
  external_id text NOT NULL,
  contact_id uuid NOT NULL,
  -- The contact it was before that one was merged; null where none was.
  origin_id uuid,
  -- The number the channel vouches for.
  phone_sealed bytea,
  phone_hash bytea,
  profile jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, connection_id, external_id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, origin_id) REFERENCES contacts ON DELETE CASCADE
);
CREATE INDEX identities_contact ON identities (tenant_id, contact_id);
CREATE INDEX identities_origin ON identities (tenant_id, origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX identities_phone ON identities (tenant_id, phone_hash) WHERE phone_hash IS NOT NULL;

CREATE TABLE conversations (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  connection_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  origin_id uuid,
  external_id text NOT NULL,
  status text NOT NULL DEFAULT 'bot' CHECK (status IN ('bot', 'handover', 'human', 'closed')),
  revision bigint NOT NULL DEFAULT 0,
  answer_due_at timestamptz,
  answer_waiting boolean NOT NULL DEFAULT false,
  -- Until then an answer waits for the words of a voice message.
  listening_until timestamptz,
  burst_at timestamptz,
  inbound_number bigint NOT NULL DEFAULT 0,
  answered_number bigint NOT NULL DEFAULT 0,
  visitor_read_number bigint NOT NULL DEFAULT 0,
  unread integer NOT NULL DEFAULT 0,
  -- Edits and deletions that came before their message, by its external id.
  parked jsonb NOT NULL DEFAULT '{}',
  -- What was said up to summarised_number, in short: what is older than the messages a turn reads.
  summary text NOT NULL DEFAULT '',
  summarised_number bigint NOT NULL DEFAULT 0,
  language text,
  preview text NOT NULL DEFAULT '',
  preview_author text NOT NULL DEFAULT 'contact',
  is_test boolean NOT NULL DEFAULT false,
  last_inbound_at timestamptz,
  last_message_at timestamptz NOT NULL DEFAULT now(),
  -- The last message of its latest review.
  reviewed_until timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, connection_id, external_id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, origin_id) REFERENCES contacts ON DELETE CASCADE
) WITH (fillfactor = 80);
CREATE INDEX conversations_latest ON conversations (tenant_id, last_message_at DESC, id DESC);
CREATE INDEX conversations_contact ON conversations (tenant_id, contact_id);
CREATE INDEX conversations_origin ON conversations (tenant_id, origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX conversations_unreviewed ON conversations (last_message_at)
  WHERE inbound_number > 0 AND NOT is_test AND (reviewed_until IS NULL OR reviewed_until < last_message_at);
CREATE INDEX conversations_unanswered ON conversations (answer_due_at) WHERE answered_number < inbound_number;

CREATE TABLE messages (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  connection_id uuid NOT NULL,
  number bigint NOT NULL,
  revision bigint NOT NULL,
  direction text NOT NULL CHECK (direction IN ('in', 'out')),
  author text NOT NULL CHECK (author IN ('contact', 'bot', 'member', 'system')),
  member_id uuid,
  kind text NOT NULL DEFAULT 'text' CHECK (kind IN ('text', 'image', 'voice', 'video', 'file', 'location', 'contact', 'sticker', 'system')),
  text text NOT NULL DEFAULT '',
  words tsvector GENERATED ALWAYS AS (to_tsvector('simple', left(text, 4000))) STORED,
  payload jsonb NOT NULL DEFAULT '{}',
  external_id text,
  status text NOT NULL CHECK (status IN ('received', 'queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'uncertain')),
  attempts integer NOT NULL DEFAULT 0,
  claimed_at timestamptz,
  error text,
  turn_id uuid,
  sent_at timestamptz,
  edited_at timestamptz,
  deleted_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, conversation_id, number),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);
-- Kept for ever: a redelivery after a week is still a repeat.
CREATE UNIQUE INDEX messages_once ON messages (tenant_id, connection_id, external_id) WHERE direction = 'in';
-- What became of a message is told by the id it has at the other company.
CREATE INDEX messages_sent ON messages (tenant_id, connection_id, external_id) WHERE direction = 'out' AND external_id IS NOT NULL;
CREATE UNIQUE INDEX messages_one_answer ON messages (tenant_id, turn_id) WHERE author = 'bot' AND turn_id IS NOT NULL;
CREATE INDEX messages_revision ON messages (tenant_id, conversation_id, revision);
CREATE INDEX messages_outbox ON messages (tenant_id, conversation_id, number) WHERE direction = 'out' AND status IN ('queued', 'sending');
CREATE INDEX messages_stuck ON messages (created_at) WHERE direction = 'out' AND status IN ('queued', 'sending');

CREATE TABLE turns (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  first_number bigint NOT NULL,
  last_number bigint NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('answered', 'silent')),
  reading jsonb NOT NULL,
  trace jsonb NOT NULL,
  model text NOT NULL,
  cost_micros bigint NOT NULL DEFAULT 0,
  currency text NOT NULL DEFAULT 'USD',
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  -- A second answer to the same turn is impossible, whoever tries.
  UNIQUE (tenant_id, conversation_id, last_number),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);

CREATE TABLE attachments (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  id uuid NOT NULL,
  conversation_id uuid,
  message_id uuid,
  name text NOT NULL,
  mime text NOT NULL,
  size bigint NOT NULL,
  sha256 bytea NOT NULL,
  file_key text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);
CREATE INDEX attachments_message ON attachments (tenant_id, message_id);

CREATE TABLE unknown_events (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  connection_id uuid NOT NULL,
  kind text NOT NULL,
  body jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections ON DELETE CASCADE
);

CREATE TABLE leads (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  campaign_id uuid,
  stage text NOT NULL DEFAULT 'new' CHECK (stage IN ('new', 'talking', 'qualified', 'won', 'lost')),
  facts jsonb NOT NULL DEFAULT '{}',
  score integer NOT NULL DEFAULT 0 CHECK (score BETWEEN 0 AND 100),
  band text GENERATED ALWAYS AS (CASE WHEN score <= 30 THEN 'cold' WHEN score <= 60 THEN 'nurture' WHEN score <= 80 THEN 'qualified' ELSE 'hot' END) STORED,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, conversation_id),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts ON DELETE CASCADE
);

CREATE TABLE handovers (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  reason text NOT NULL CHECK (reason IN ('keyword', 'complaint', 'ready_to_buy', 'low_confidence', 'member', 'failure')),
  summary text NOT NULL DEFAULT '',
  taken_by uuid,
  taken_at timestamptz,
  ended_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);
CREATE UNIQUE INDEX handovers_open ON handovers (tenant_id, conversation_id) WHERE ended_at IS NULL;

CREATE TABLE campaigns (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  id uuid NOT NULL,
  position integer NOT NULL DEFAULT 0,
  name text NOT NULL,
  price jsonb,
  features jsonb NOT NULL DEFAULT '[]',
  chat_flow jsonb NOT NULL DEFAULT '{}',
  audience text NOT NULL DEFAULT '',
  platforms jsonb NOT NULL DEFAULT '[]',
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE documents (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('file', 'answer')),
  name text NOT NULL,
  mime text NOT NULL,
  size bigint NOT NULL,
  sha256 bytea NOT NULL,
  file_key text NOT NULL DEFAULT '',
  question text NOT NULL DEFAULT '',
  answer text NOT NULL DEFAULT '',
  status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'reading', 'ready', 'failed')),
  problem text,
  progress integer NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
  -- The version being answered from; the next one is read beside it and takes over in one step.
  version integer NOT NULL DEFAULT 0,
  reading_version integer NOT NULL DEFAULT 1,
  pages integer,
  passages integer NOT NULL DEFAULT 0,
  -- Whether the bot may send the file itself to customers.
  shareable boolean NOT NULL DEFAULT false,
  language text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX documents_latest ON documents (tenant_id, updated_at DESC, id DESC);

CREATE TABLE passages (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  document_id uuid NOT NULL,
  version integer NOT NULL,
  position integer NOT NULL,
  kind text NOT NULL DEFAULT 'text' CHECK (kind IN ('text', 'row', 'answer')),
  title_path text[] NOT NULL DEFAULT '{}',
  text text NOT NULL,
  -- Not jsonb, which forgets the order of the columns.
  cells json,
  page integer,
  language text,
  -- The middle of the vectors of its sentences, which stand beside it with their latent terms.
  -- In the row itself, and what is long outside of it: of most passages a search reads nothing else.
  embedding halfvec(384) STORAGE PLAIN NOT NULL,
  signs bit(384) NOT NULL GENERATED ALWAYS AS (binary_quantize(embedding)::bit(384)) STORED,
  sentences text[] NOT NULL,
  sentence_embeddings halfvec[] NOT NULL,
  sentence_latents sparsevec[] NOT NULL,
  words tsvector NOT NULL,
  grams tsvector NOT NULL,
  PRIMARY KEY (tenant_id, id),
  -- Where there are very many, a search first reads this index alone.
  UNIQUE (tenant_id, document_id, version, position) INCLUDE (id, signs),
  FOREIGN KEY (tenant_id, document_id) REFERENCES documents ON DELETE CASCADE
) WITH (toast_tuple_target = 1024);

-- Where a word stands in the version of a document being answered from: positions of its passages, and of those that have it in
-- a heading. An index on passages.words would not be used: under row-level security no condition but plain equality is.
CREATE TABLE postings (
  tenant_id uuid NOT NULL,
  word text NOT NULL,
  document_id uuid NOT NULL,
  places integer[] NOT NULL,
  headings integer[] NOT NULL,
  PRIMARY KEY (tenant_id, word, document_id),
  FOREIGN KEY (tenant_id, document_id) REFERENCES documents ON DELETE CASCADE
);
CREATE INDEX postings_document ON postings (tenant_id, document_id);

-- A tenant's own models; none, and those of the installation are asked.
CREATE TABLE model_settings (
  tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
  chain text[] NOT NULL DEFAULT '{}',
  keys_sealed bytea NOT NULL,
  cap_micros bigint CHECK (cap_micros >= 0),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE model_calls (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  id uuid NOT NULL,
  -- Without a foreign key: what was paid for stays when a conversation goes.
  conversation_id uuid NOT NULL,
  number bigint NOT NULL,
  day date NOT NULL,
  provider text NOT NULL,
  model text NOT NULL,
  own_key boolean NOT NULL DEFAULT false,
  outcome text NOT NULL DEFAULT 'asked' CHECK (outcome IN ('asked', 'ok', 'failed')),
  problem text NOT NULL DEFAULT '',
  tokens_in integer NOT NULL DEFAULT 0,
  tokens_out integer NOT NULL DEFAULT 0,
  tokens_cached integer NOT NULL DEFAULT 0,
  micros bigint NOT NULL DEFAULT 0,
  priced boolean NOT NULL DEFAULT true,
  ms integer NOT NULL DEFAULT 0,
  asked_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX model_calls_conversation ON model_calls (tenant_id, conversation_id, number);
CREATE INDEX model_calls_recent ON model_calls (asked_at);
CREATE INDEX model_calls_latest ON model_calls (tenant_id, asked_at);

CREATE TABLE model_days (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  day date NOT NULL,
  calls integer NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  tokens_in bigint NOT NULL DEFAULT 0,
  tokens_out bigint NOT NULL DEFAULT 0,
  tokens_cached bigint NOT NULL DEFAULT 0,
  micros bigint NOT NULL DEFAULT 0,
  -- What the day would have come to with the last call that its cap held back.
  held_micros bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, day)
);
CREATE INDEX model_days_held ON model_days (day) WHERE held_micros > 0;

-- How the answerer is and behaves: every published state, and the one draft. `revision` changes with every change of either,
-- so that whoever saves is told when somebody else was quicker.
CREATE TABLE persona_versions (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  number integer NOT NULL,
  fields jsonb NOT NULL,
  changes jsonb NOT NULL DEFAULT '[]',
  author_id uuid,
  restored integer,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, number)
);

CREATE TABLE persona_drafts (
  tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
  fields jsonb,
  revision integer NOT NULL DEFAULT 0,
  author_id uuid,
  saved_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE reviews (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  -- The last message it has read.
  through_number bigint NOT NULL,
  outcome text NOT NULL,
  summary text NOT NULL,
  topics text[] NOT NULL,
  objections text[] NOT NULL,
  action text NOT NULL,
  advice text NOT NULL DEFAULT '',
  score integer NOT NULL CHECK (score BETWEEN 0 AND 100),
  reasons jsonb NOT NULL,
  model text NOT NULL,
  cost_micros bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, conversation_id, through_number),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);

-- Conversations written or recorded beforehand, and what is expected of each.
CREATE TABLE scenarios (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  id uuid NOT NULL,
  name text NOT NULL,
  turns jsonb NOT NULL,
  expect jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);

-- One try of a draft: every scenario, or the customers' words of the last conversations, with the persona of now and with it.
CREATE TABLE scenario_runs (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('scenarios', 'replay')),
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed')),
  revision integer NOT NULL,
  done integer NOT NULL DEFAULT 0,
  total integer NOT NULL,
  results jsonb NOT NULL DEFAULT '[]',
  started_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE audit (
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  id uuid NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL DEFAULT '',
  details jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);

-- Whoever asked to be forgotten, under a code that does not say who; of no tenant, because any may have known them.
CREATE TABLE deletions (
  code text PRIMARY KEY,
  asked_at timestamptz NOT NULL DEFAULT now(),
  done_at timestamptz
);

CREATE UNLOGGED TABLE limits (
  key text PRIMARY KEY,
  window_start timestamptz NOT NULL,
  used integer NOT NULL
);
"""

# The queue's statistics are wrong exactly when a backlog builds up: the planner, who thinks that nothing waits, then
# compares every waiting job with every other (150 ms a fetch at 1,600 jobs). These settings leave it the one plan that
# is right at any size: walk the waiting jobs in order, look up each one's lock.
QUEUE = """
CREATE INDEX procrastinate_jobs_by_lock ON procrastinate_jobs (lock, priority DESC, id) WHERE status IN ('todo', 'doing');
ALTER FUNCTION procrastinate_fetch_job_v2(character varying[], bigint)
  SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
"""

POLICIES = """
DO $$
DECLARE t record; key text;
BEGIN
  FOR t IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname NOT LIKE 'procrastinate%'
              AND c.relname NOT IN ('alembic_version', 'limits', 'deletions') LOOP
    key := CASE WHEN t.relname = 'tenants' THEN 'id' ELSE 'tenant_id' END;
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t.relname);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t.relname);
    EXECUTE format('CREATE POLICY own_rows ON %I TO savdo_app USING (%I = (SELECT current_setting(''app.tenant_id'')::uuid))', t.relname, key);
    EXECUTE format('CREATE POLICY every_row ON %I TO savdo_platform USING (true)', t.relname);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO savdo_app, savdo_platform', t.relname);
  END LOOP;
END $$;
-- Append-only, and only an operator makes or removes a company.
REVOKE UPDATE, DELETE ON audit FROM savdo_app, savdo_platform;
REVOKE INSERT, DELETE ON tenants FROM savdo_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON limits TO savdo_app, savdo_platform;
GRANT SELECT, INSERT, UPDATE ON deletions TO savdo_platform;
GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers, procrastinate_workers
  TO savdo_app, savdo_platform;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO savdo_app, savdo_platform;
"""


def run(sql: str) -> None:
    # The driver reads a percent sign as a placeholder.
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))


def upgrade() -> None:
    run(ROLES)
    run(App(connector=PsycopgConnector()).schema_manager.get_schema())
    run(QUEUE)
    run(TABLES)
    run(POLICIES)

-- The schema of the spine. Rules (stack.md 15, so that scaling out is a configuration): every key holds the
-- distribution column of central/store/tables.py; no triggers; no foreign keys across shards; one statement each.
-- Times are Unix milliseconds. Columns named *sealed hold bytes only the centre's storage key opens.

-- Ledgers: what nodes sent and what the centre itself wrote. The application may INSERT and SELECT, nothing else.

CREATE TABLE entry (
  origin text NOT NULL,
  idx bigint NOT NULL,
  kind integer NOT NULL,
  occurred_ms bigint NOT NULL,
  arrived_ms bigint NOT NULL,
  leaf_hash bytea NOT NULL,
  CONSTRAINT entry_pk PRIMARY KEY (origin, idx)
);

CREATE INDEX entry_time ON entry (origin, occurred_ms);

CREATE TABLE entry_body (
  origin text NOT NULL,
  idx bigint NOT NULL,
  occurred_ms bigint NOT NULL,
  leaf bytea NOT NULL,
  salt bytea NOT NULL,
  detail_sealed bytea NOT NULL,
  CONSTRAINT entry_body_pk PRIMARY KEY (origin, idx, occurred_ms)
) PARTITION BY RANGE (occurred_ms);

CREATE TABLE tile (
  origin text NOT NULL,
  level integer NOT NULL,
  idx bigint NOT NULL,
  hashes bytea NOT NULL,
  folded bytea NOT NULL,
  CONSTRAINT tile_pk PRIMARY KEY (origin, level, idx)
);

CREATE VIEW centre_entry AS SELECT * FROM entry WHERE origin LIKE '%/centre/%';

CREATE TABLE checkpoint (
  origin text NOT NULL,
  size bigint NOT NULL,
  root bytea NOT NULL,
  note bytea NOT NULL,
  signed_ms bigint NOT NULL,
  centre_idx bigint NOT NULL,
  CONSTRAINT checkpoint_pk PRIMARY KEY (origin, size)
);

CREATE TABLE access (
  origin text NOT NULL,
  idx bigint NOT NULL,
  occurred_ms bigint NOT NULL,
  arrived_ms bigint NOT NULL,
  node text NOT NULL,
  kind integer NOT NULL,
  clock integer NOT NULL,
  actor text NOT NULL,
  role text NOT NULL,
  desk text NOT NULL,
  subject_ref bytea NOT NULL,
  presence text NOT NULL,
  relationship text NOT NULL,
  purpose text NOT NULL,
  basis text NOT NULL,
  mode text NOT NULL,
  as_of_ms bigint NOT NULL,
  outcome text NOT NULL,
  matter text NOT NULL,
  object text NOT NULL,
  case_no text NOT NULL,
  request_id text NOT NULL,
  CONSTRAINT access_pk PRIMARY KEY (origin, idx, occurred_ms)
) PARTITION BY RANGE (occurred_ms);

CREATE INDEX access_subject ON access (subject_ref, occurred_ms DESC);

CREATE INDEX access_actor ON access (actor, occurred_ms DESC);

CREATE INDEX access_node ON access (node, occurred_ms DESC);

CREATE INDEX access_time ON access (occurred_ms DESC);

CREATE INDEX access_request ON access (origin, request_id) WHERE request_id <> '';

CREATE INDEX access_case ON access (origin, case_no) WHERE case_no <> '';

CREATE TABLE disclosure (
  origin text NOT NULL,
  request_id text NOT NULL,
  centre_idx bigint NOT NULL,
  occurred_ms bigint NOT NULL,
  node text NOT NULL,
  actor text NOT NULL,
  desk text NOT NULL,
  subject_ref bytea NOT NULL,
  matter text NOT NULL,
  purpose text NOT NULL,
  basis text NOT NULL,
  case_no text NOT NULL,
  leaf_hash bytea NOT NULL,
  CONSTRAINT disclosure_pk PRIMARY KEY (origin, request_id)
);

CREATE INDEX disclosure_subject ON disclosure (subject_ref, occurred_ms DESC);

CREATE INDEX disclosure_time ON disclosure (occurred_ms DESC);

CREATE TABLE report (
  origin text NOT NULL,
  serial text NOT NULL,
  idx bigint NOT NULL,
  node text NOT NULL,
  subject_ref bytea NOT NULL,
  matter text NOT NULL,
  status text NOT NULL,
  as_of_ms bigint NOT NULL,
  issued_ms bigint NOT NULL,
  case_no text NOT NULL,
  facts_digest bytea NOT NULL,
  leaf_hash bytea NOT NULL,
  CONSTRAINT report_pk PRIMARY KEY (origin, serial)
);

CREATE INDEX report_time ON report (issued_ms DESC);

CREATE INDEX report_subject ON report (subject_ref);

CREATE TABLE paper (
  origin text NOT NULL,
  idx bigint NOT NULL,
  serial text NOT NULL,
  kind integer NOT NULL,
  occurred_ms bigint NOT NULL,
  sheet text NOT NULL,
  file_digest bytea NOT NULL,
  reason text NOT NULL,
  CONSTRAINT paper_pk PRIMARY KEY (origin, idx)
);

CREATE INDEX paper_serial ON paper (origin, serial);

CREATE INDEX paper_time ON paper (origin, occurred_ms);

CREATE TABLE settlement (
  origin text NOT NULL,
  serial text NOT NULL,
  verdict text NOT NULL,
  changes_sealed bytea NOT NULL,
  settled_ms bigint NOT NULL,
  CONSTRAINT settlement_pk PRIMARY KEY (origin, serial)
);

CREATE TABLE case_event (
  origin text NOT NULL,
  idx bigint NOT NULL,
  case_no text NOT NULL,
  occurred_ms bigint NOT NULL,
  kind integer NOT NULL,
  matter text NOT NULL,
  state text NOT NULL,
  subject_ref bytea NOT NULL,
  CONSTRAINT case_event_pk PRIMARY KEY (origin, idx)
);

CREATE INDEX case_event_case ON case_event (origin, case_no);

CREATE INDEX case_event_time ON case_event (origin, occurred_ms);

CREATE TABLE day_total (
  origin text NOT NULL,
  day text NOT NULL,
  idx bigint NOT NULL,
  totals text NOT NULL,
  closed_ms bigint NOT NULL,
  CONSTRAINT day_total_pk PRIMARY KEY (origin, day, idx)
);

CREATE TABLE effect_rejected (
  origin text NOT NULL,
  idx bigint NOT NULL,
  reason text NOT NULL,
  at_ms bigint NOT NULL,
  CONSTRAINT effect_rejected_pk PRIMARY KEY (origin, idx)
);

-- `origin` and `idx` are the key an entry carried over from an older incarnation keeps; `by_*` is where it stands now.
CREATE TABLE effect_carried (
  origin text NOT NULL,
  idx bigint NOT NULL,
  by_origin text NOT NULL,
  by_idx bigint NOT NULL,
  CONSTRAINT effect_carried_pk PRIMARY KEY (origin, idx)
);

CREATE TABLE evidence (
  origin text NOT NULL,
  digest bytea NOT NULL,
  kind text NOT NULL,
  at_ms bigint NOT NULL,
  note text NOT NULL,
  held bytea NOT NULL,
  CONSTRAINT evidence_pk PRIMARY KEY (origin, digest)
);

-- State: what changes with time and can be rebuilt from ledgers, or is the operators' own.

CREATE TABLE ledger_head (
  origin text NOT NULL,
  size bigint NOT NULL,
  root bytea NOT NULL,
  countersigned bigint NOT NULL,
  hlc_ms bigint NOT NULL,
  hlc_n integer NOT NULL,
  frozen text NOT NULL DEFAULT '',
  CONSTRAINT ledger_head_pk PRIMARY KEY (origin)
);

CREATE TABLE node (
  node text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  region text NOT NULL,
  route text[] NOT NULL,
  window_ms bigint NOT NULL,
  created_ms bigint NOT NULL,
  CONSTRAINT node_pk PRIMARY KEY (node)
);

CREATE TABLE identity (
  origin text NOT NULL,
  node text NOT NULL,
  incarnation integer NOT NULL,
  signing bytea NOT NULL,
  sealing bytea NOT NULL,
  certificate bytea NOT NULL,
  not_after_ms bigint NOT NULL,
  enrolled_ms bigint NOT NULL,
  revoked_ms bigint,
  revoked_reason text NOT NULL DEFAULT '',
  CONSTRAINT identity_pk PRIMARY KEY (origin)
);

CREATE TABLE enrolment (
  node text NOT NULL,
  locator text NOT NULL,
  code_hash bytea NOT NULL,
  expires_ms bigint NOT NULL,
  attempts integer NOT NULL,
  used_ms bigint,
  CONSTRAINT enrolment_pk PRIMARY KEY (locator, node)
);

CREATE TABLE administrator (
  name text NOT NULL,
  role text NOT NULL,
  password text NOT NULL,
  must_change boolean NOT NULL,
  failures integer NOT NULL,
  locked_until_ms bigint NOT NULL,
  signed_in_ms bigint,
  CONSTRAINT administrator_pk PRIMARY KEY (name)
);

CREATE TABLE admin_session (
  token_hash bytea NOT NULL,
  admin text NOT NULL,
  csrf text NOT NULL,
  opened_ms bigint NOT NULL,
  seen_ms bigint NOT NULL,
  CONSTRAINT admin_session_pk PRIMARY KEY (token_hash)
);

CREATE TABLE request_nonce (
  origin text NOT NULL,
  nonce text NOT NULL,
  seen_ms bigint NOT NULL,
  CONSTRAINT request_nonce_pk PRIMARY KEY (origin, nonce)
);

CREATE INDEX request_nonce_seen ON request_nonce (seen_ms);

CREATE TABLE staff (
  node text NOT NULL,
  staff text NOT NULL,
  name text NOT NULL,
  role text NOT NULL,
  permits text[] NOT NULL,
  windows text[] NOT NULL,
  password text NOT NULL,
  valid boolean NOT NULL,
  changed bigint NOT NULL,
  CONSTRAINT staff_pk PRIMARY KEY (node, staff)
);

CREATE TABLE mailbox (
  origin text NOT NULL,
  last_number bigint NOT NULL,
  seen_number bigint NOT NULL,
  CONSTRAINT mailbox_pk PRIMARY KEY (origin)
);

CREATE TABLE directive (
  origin text NOT NULL,
  number bigint NOT NULL,
  kind text NOT NULL,
  body_sealed bytea NOT NULL,
  created_ms bigint NOT NULL,
  CONSTRAINT directive_pk PRIMARY KEY (origin, number)
);

CREATE TABLE lease (
  origin text NOT NULL,
  lease_id text NOT NULL,
  capability text NOT NULL,
  scope text NOT NULL,
  not_before_ms bigint NOT NULL,
  not_after_ms bigint NOT NULL,
  signed bytea NOT NULL,
  CONSTRAINT lease_pk PRIMARY KEY (origin, lease_id)
);

CREATE TABLE contact (
  origin text NOT NULL,
  at_ms bigint NOT NULL,
  batch_id bytea NOT NULL,
  carrier text NOT NULL,
  entries bigint NOT NULL,
  bytes_up bigint NOT NULL,
  pending bigint,
  statistics text NOT NULL,
  needs text NOT NULL,
  centre_seen bytea NOT NULL,
  centre_sent bigint NOT NULL,
  CONSTRAINT contact_pk PRIMARY KEY (origin, at_ms, batch_id)
);

CREATE TABLE deferral (
  origin text NOT NULL,
  case_no text NOT NULL,
  idx bigint NOT NULL,
  matter text NOT NULL,
  subject_ref bytea NOT NULL,
  asked_sealed bytea NOT NULL,
  state text NOT NULL,
  attempts integer NOT NULL,
  next_try_ms bigint NOT NULL,
  created_ms bigint NOT NULL,
  CONSTRAINT deferral_pk PRIMARY KEY (origin, case_no)
);

CREATE INDEX deferral_waiting ON deferral (next_try_ms) WHERE state = 'waiting';

CREATE TABLE finding (
  origin text NOT NULL,
  finding text NOT NULL,
  node text NOT NULL,
  day text NOT NULL,
  code text NOT NULL,
  object text NOT NULL,
  words_zh text NOT NULL,
  words_en text NOT NULL,
  owner text NOT NULL,
  state text NOT NULL,
  opened_ms bigint NOT NULL,
  settled_ms bigint,
  settled_by text NOT NULL DEFAULT '',
  note text NOT NULL DEFAULT '',
  CONSTRAINT finding_pk PRIMARY KEY (origin, finding)
);

CREATE INDEX finding_state ON finding (state, day DESC);

-- Records: what is held about subjects, distributed by the subject's reference.

CREATE TABLE subject (
  ref bytea NOT NULL,
  kind text NOT NULL,
  region text NOT NULL,
  as_of_ms bigint NOT NULL,
  changed bigint NOT NULL,
  digest bytea NOT NULL,
  body_sealed bytea NOT NULL,
  CONSTRAINT subject_pk PRIMARY KEY (ref)
);

CREATE INDEX subject_region ON subject (region text_pattern_ops, ref);

CREATE INDEX subject_changed ON subject (changed);

CREATE TABLE record (
  ref bytea NOT NULL,
  record_id text NOT NULL,
  category text NOT NULL,
  openness text NOT NULL,
  source text NOT NULL,
  as_of_ms bigint NOT NULL,
  digest bytea NOT NULL,
  body_sealed bytea NOT NULL,
  CONSTRAINT record_pk PRIMARY KEY (ref, record_id)
);

CREATE TABLE scope_row (
  ref bytea NOT NULL,
  scope text NOT NULL,
  digest bytea NOT NULL,
  CONSTRAINT scope_row_pk PRIMARY KEY (ref, scope)
);

CREATE INDEX scope_row_scope ON scope_row (scope, ref);

CREATE TABLE scope (
  scope text NOT NULL,
  data_class text NOT NULL,
  node text NOT NULL,
  prefixes text[] NOT NULL,
  key_sealed bytea NOT NULL,
  version bigint NOT NULL,
  changed_seen bigint NOT NULL,
  CONSTRAINT scope_pk PRIMARY KEY (scope)
);

CREATE TABLE pack (
  scope text NOT NULL,
  digest bytea NOT NULL,
  kind text NOT NULL,
  from_version bigint NOT NULL,
  to_version bigint NOT NULL,
  size bigint NOT NULL,
  rows bigint NOT NULL,
  CONSTRAINT pack_pk PRIMARY KEY (scope, to_version, digest)
);

CREATE TABLE release (
  scope text NOT NULL,
  version bigint NOT NULL,
  signed bytea NOT NULL,
  rows bigint NOT NULL,
  size bigint NOT NULL,
  as_of_ms bigint NOT NULL,
  created_ms bigint NOT NULL,
  CONSTRAINT release_pk PRIMARY KEY (scope, version)
);

CREATE TABLE import_run (
  file_digest bytea NOT NULL,
  file_name text NOT NULL,
  lines_done bigint NOT NULL,
  stored bigint NOT NULL,
  rejected bigint NOT NULL,
  started_ms bigint NOT NULL,
  finished_ms bigint,
  read bigint NOT NULL,
  CONSTRAINT import_run_pk PRIMARY KEY (file_digest)
);

CREATE TABLE import_reject (
  file_digest bytea NOT NULL,
  line bigint NOT NULL,
  reason text NOT NULL,
  CONSTRAINT import_reject_pk PRIMARY KEY (file_digest, line)
);

CREATE SEQUENCE change_number;

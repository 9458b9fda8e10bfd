-- The ledger: hashes stay for ever; salt and detail may be dropped when the law says so.
CREATE TABLE entry (
  idx       INTEGER PRIMARY KEY,
  kind      INTEGER NOT NULL,
  hlc_ms    INTEGER NOT NULL,
  leaf      BLOB NOT NULL,
  leaf_hash BLOB NOT NULL,
  salt      BLOB NOT NULL,
  detail    BLOB
);
CREATE INDEX entry_when ON entry (hlc_ms, kind);
CREATE TABLE tile (
  level  INTEGER NOT NULL,
  idx    INTEGER NOT NULL,
  hashes BLOB NOT NULL,
  PRIMARY KEY (level, idx)
) WITHOUT ROWID;
CREATE TABLE ledger_head (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  size        INTEGER NOT NULL,
  hlc_ms      INTEGER NOT NULL,
  hlc_n       INTEGER NOT NULL,
  boot        INTEGER NOT NULL,
  trusted_ms  INTEGER NOT NULL,
  clock       INTEGER NOT NULL
);
INSERT INTO ledger_head VALUES (1, 0, 0, 0, 0, 0, 1);
-- Signed heads: committed before the signature leaves the process; one root a size, for ever.
CREATE TABLE checkpoint (
  size      INTEGER PRIMARY KEY,
  root      BLOB NOT NULL,
  note      BLOB NOT NULL,
  signed_ms INTEGER NOT NULL,
  counter   BLOB,            -- the same note with the centre's countersignature
  counter_ms INTEGER
);
CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE fact (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE counter (name TEXT, year INTEGER, value INTEGER NOT NULL, PRIMARY KEY (name, year)) WITHOUT ROWID;

-- The cache: one sealed row a subject; opaque without the data keys of its scope. `sealed` is the whole blob under the
-- tier "closed" (NULL once that was shredded), `open_part` what is public by law under the tier "open".
CREATE TABLE subject_cache (
  ref       BLOB NOT NULL,
  scope     TEXT NOT NULL,
  digest    BLOB NOT NULL,
  sealed    BLOB,
  open_part BLOB
);
CREATE UNIQUE INDEX subject_of ON subject_cache (ref, scope);
CREATE INDEX subject_digest ON subject_cache (scope, ref, digest);
CREATE TABLE plain_row (
  scope  TEXT NOT NULL,
  ref    BLOB NOT NULL,
  digest BLOB NOT NULL,
  blob   BLOB NOT NULL,
  PRIMARY KEY (scope, ref)
) WITHOUT ROWID;
CREATE TABLE staff (
  staff TEXT PRIMARY KEY,
  scope TEXT NOT NULL,
  ref   BLOB NOT NULL,
  body  BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE release_held (
  scope      TEXT PRIMARY KEY,
  data_class TEXT NOT NULL,
  version    INTEGER NOT NULL,
  seen       INTEGER NOT NULL,   -- the highest version ever seen: older ones are refused
  state_root BLOB NOT NULL,
  signed     BLOB NOT NULL,
  as_of_ms   INTEGER NOT NULL,
  applied_ms INTEGER NOT NULL,
  rows       INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE scope_key (scope TEXT PRIMARY KEY, content_key BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE lease_key (
  scope    TEXT NOT NULL,
  tier     TEXT NOT NULL,   -- closed, open
  wrapping TEXT NOT NULL,
  wrapped  BLOB NOT NULL,
  PRIMARY KEY (scope, tier)
) WITHOUT ROWID;
CREATE TABLE lease (
  id          TEXT PRIMARY KEY,
  scope       TEXT NOT NULL,
  capability  TEXT NOT NULL,
  signed      BLOB NOT NULL,
  used        INTEGER NOT NULL DEFAULT 0,
  boots       INTEGER NOT NULL DEFAULT 0,
  state       TEXT NOT NULL DEFAULT 'open',  -- open, replaced, expired, shredded
  opened_ms   INTEGER NOT NULL,
  shredded_ms INTEGER
) WITHOUT ROWID;

-- Work at the windows.
CREATE TABLE session (
  id        TEXT PRIMARY KEY,   -- SHA-256 of the cookie
  staff     TEXT NOT NULL UNIQUE,
  window    TEXT NOT NULL,
  csrf      TEXT NOT NULL,
  opened_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE office_case (
  number         TEXT PRIMARY KEY,
  matter         TEXT NOT NULL,
  state          TEXT NOT NULL,
  subject_ref    BLOB NOT NULL,
  subject_number TEXT NOT NULL,
  subject_name   TEXT NOT NULL,
  phone          TEXT NOT NULL,
  staff          TEXT NOT NULL,
  window         TEXT NOT NULL,
  mode           TEXT NOT NULL,
  opened_ms      INTEGER NOT NULL,
  changed_ms     INTEGER NOT NULL,
  due_ms         INTEGER NOT NULL,
  serial         TEXT NOT NULL,
  note           TEXT NOT NULL,
  entry          INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX case_when ON office_case (opened_ms);
CREATE TABLE report (
  serial       TEXT PRIMARY KEY,
  office_case  TEXT NOT NULL,
  matter       TEXT NOT NULL,
  status       TEXT NOT NULL,      -- final, provisional, confirmed, superseded
  facts_digest BLOB NOT NULL,
  as_of_ms     INTEGER NOT NULL,
  issued_ms    INTEGER NOT NULL,
  entry        INTEGER NOT NULL,
  leaf_hash    BLOB NOT NULL,
  sheet        BLOB NOT NULL,      -- what the paper says, before typesetting
  changes      BLOB,
  copies       INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE TABLE report_file (
  serial  TEXT NOT NULL,
  copy_no INTEGER NOT NULL,
  pdf     BLOB NOT NULL,
  digest  BLOB NOT NULL,
  PRIMARY KEY (serial, copy_no)
);
CREATE TABLE print_job (
  id          TEXT PRIMARY KEY,
  kind        TEXT NOT NULL,       -- report, slip
  serial      TEXT NOT NULL,
  office_case TEXT NOT NULL,
  state       TEXT NOT NULL,
  copy_no     INTEGER NOT NULL,
  sheet       TEXT NOT NULL DEFAULT '',
  problem     BLOB,
  reason      TEXT NOT NULL DEFAULT '',
  window      TEXT NOT NULL,
  paper       BLOB,                -- what a slip says, before its encoding
  asked_ms    INTEGER NOT NULL,
  changed_ms  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX print_open ON print_job (state, asked_ms);
CREATE TABLE task (
  id          TEXT PRIMARY KEY,
  office_case TEXT NOT NULL,
  kind        TEXT NOT NULL,
  zh          TEXT NOT NULL,
  en          TEXT NOT NULL,
  name        TEXT NOT NULL,
  phone       TEXT NOT NULL,
  due_ms      INTEGER NOT NULL,
  state       TEXT NOT NULL,
  owner       TEXT NOT NULL,
  note        TEXT NOT NULL DEFAULT '',
  made_ms     INTEGER NOT NULL,
  done_ms     INTEGER
) WITHOUT ROWID;
CREATE TABLE quota_spent (
  entry   INTEGER PRIMARY KEY,
  ref     BLOB NOT NULL,
  matter  TEXT NOT NULL,
  year    INTEGER NOT NULL,
  units   INTEGER NOT NULL,
  fee_cents INTEGER NOT NULL
);
CREATE INDEX quota_of ON quota_spent (ref, matter, year);
CREATE TABLE finding (
  id        TEXT PRIMARY KEY,
  day       TEXT NOT NULL,
  code      TEXT NOT NULL,
  zh        TEXT NOT NULL,
  en        TEXT NOT NULL,
  state     TEXT NOT NULL,
  raised_by TEXT NOT NULL,
  about     TEXT NOT NULL,
  raised_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE day_closed (day TEXT PRIMARY KEY, totals BLOB NOT NULL, entry INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE directive (
  number     INTEGER PRIMARY KEY,
  kind       TEXT NOT NULL,
  body       BLOB NOT NULL,
  obeyed_ms  INTEGER NOT NULL,
  objection  TEXT NOT NULL DEFAULT ''
);
CREATE TABLE rejection (idx INTEGER PRIMARY KEY, reason TEXT NOT NULL);

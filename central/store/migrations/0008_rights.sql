-- Rights granted ahead: the level an administrator keeps a node at for a matter, and every grant that was given.
CREATE TABLE quota_level (
  node text NOT NULL,
  matter text NOT NULL,
  units integer NOT NULL,
  days integer NOT NULL,
  CONSTRAINT quota_level_pk PRIMARY KEY (node, matter)
);

-- `ended`: why it ended before its time: returned by the node, or counted as spent after a rollback.
CREATE TABLE quota_grant (
  origin text NOT NULL,
  grant_id text NOT NULL,
  node text NOT NULL,
  matter text NOT NULL,
  units integer NOT NULL,
  granted_ms bigint NOT NULL,
  expires_ms bigint NOT NULL,
  ended text NOT NULL,
  CONSTRAINT quota_grant_pk PRIMARY KEY (origin, grant_id)
);

CREATE INDEX quota_grant_of ON quota_grant (node, matter);

ALTER TABLE quota_spent ADD COLUMN grant_id text NOT NULL DEFAULT '';

CREATE INDEX quota_spent_under ON quota_spent (grant_id) WHERE grant_id <> '';

-- What the centre asked a hall to correct, until an entry of the hall answers it.
CREATE TABLE correction (
  origin text NOT NULL,
  correction text NOT NULL,
  node text NOT NULL,
  case_no text NOT NULL,
  asked_sealed bytea NOT NULL,
  until_ms bigint NOT NULL,
  asked_by text NOT NULL,
  asked_ms bigint NOT NULL,
  answer_sealed bytea NOT NULL,
  answered_by text NOT NULL,
  answered_ms bigint,
  CONSTRAINT correction_pk PRIMARY KEY (origin, correction)
);

-- Deep checks: what was asked of which ledger, and what its node said it found.
CREATE TABLE deep_check (
  origin text NOT NULL,
  asked_ms bigint NOT NULL,
  size bigint NOT NULL,
  reason text NOT NULL,
  outcome text NOT NULL,
  said_ms bigint,
  CONSTRAINT deep_check_pk PRIMARY KEY (origin, asked_ms)
);

-- Blank numbered sheets as the hall's entries name them.
CREATE TABLE sheet_move (
  origin text NOT NULL,
  idx bigint NOT NULL,
  occurred_ms bigint NOT NULL,
  block text NOT NULL,
  outcome text NOT NULL,
  first text NOT NULL,
  last text NOT NULL,
  count integer NOT NULL,
  CONSTRAINT sheet_move_pk PRIMARY KEY (origin, idx)
);

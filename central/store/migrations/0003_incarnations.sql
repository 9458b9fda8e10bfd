-- Asking for a new incarnation: who asks with which keys and why, and which officers said what. What officers said is
-- never changed; the request's state is.

CREATE TABLE incarnation (
  origin text NOT NULL,
  asked text NOT NULL,
  node text NOT NULL,
  reason text NOT NULL,
  signing bytea NOT NULL,
  sealing bytea NOT NULL,
  claim text NOT NULL,
  asked_ms bigint NOT NULL,
  state text NOT NULL,
  new_origin text NOT NULL DEFAULT '',
  opening text NOT NULL DEFAULT '',
  settled_ms bigint,
  CONSTRAINT incarnation_pk PRIMARY KEY (origin, asked)
);

CREATE INDEX incarnation_new ON incarnation (new_origin) WHERE new_origin <> '';

CREATE TABLE incarnation_verdict (
  origin text NOT NULL,
  asked text NOT NULL,
  role text NOT NULL,
  officer text NOT NULL,
  approves boolean NOT NULL,
  note text NOT NULL,
  at_ms bigint NOT NULL,
  CONSTRAINT incarnation_verdict_pk PRIMARY KEY (origin, asked, role)
);

-- After a fork two entries stood at one place; each carried one has its effect under its own leaf.
ALTER TABLE effect_carried ADD COLUMN leaf_hash bytea NOT NULL DEFAULT '';

ALTER TABLE effect_carried DROP CONSTRAINT effect_carried_pk;

ALTER TABLE effect_carried ADD CONSTRAINT effect_carried_pk PRIMARY KEY (origin, idx, leaf_hash);

-- A bus's trip is a scope with a box in time; `listed` holds only the subjects of its day's list, at most `subjects_max`.
ALTER TABLE scope ADD COLUMN from_ms bigint NOT NULL DEFAULT 0;
ALTER TABLE scope ADD COLUMN until_ms bigint NOT NULL DEFAULT 0;
ALTER TABLE scope ADD COLUMN listed boolean NOT NULL DEFAULT false;
ALTER TABLE scope ADD COLUMN subjects_max integer NOT NULL DEFAULT 0;

CREATE TABLE trip_subject (
  ref bytea NOT NULL,
  scope text NOT NULL,
  CONSTRAINT trip_subject_pk PRIMARY KEY (ref, scope)
);

CREATE INDEX trip_subject_scope ON trip_subject (scope, ref);

-- Which subjects each version of a scope held, for ever: a row where one came in (`present`) or went out.
CREATE TABLE scope_member (
  ref bytea NOT NULL,
  scope text NOT NULL,
  version bigint NOT NULL,
  present boolean NOT NULL,
  CONSTRAINT scope_member_pk PRIMARY KEY (ref, scope, version)
);

CREATE INDEX scope_member_scope ON scope_member (scope, version);

-- Which version of a scope a node says it holds since when, from its own ledger (`pack.applied`); 0: nothing any more.
CREATE TABLE scope_applied (
  origin text NOT NULL,
  idx bigint NOT NULL,
  node text NOT NULL,
  scope text NOT NULL,
  version bigint NOT NULL,
  occurred_ms bigint NOT NULL,
  CONSTRAINT scope_applied_pk PRIMARY KEY (origin, idx)
);

CREATE INDEX scope_applied_node ON scope_applied (node, scope, occurred_ms);

-- Subjects who withdrew their consent to offline answers: in no data set, and every node is told.
CREATE TABLE consent_withdrawn (
  ref bytea NOT NULL,
  since_ms bigint NOT NULL,
  CONSTRAINT consent_withdrawn_pk PRIMARY KEY (ref)
);

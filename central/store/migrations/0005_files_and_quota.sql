-- Report files that arrive in chunks after their entries: which chunks are there, and which files are whole.

CREATE TABLE file_chunk (
  origin text NOT NULL,
  digest bytea NOT NULL,
  number integer NOT NULL,
  size bigint NOT NULL,
  stored_ms bigint NOT NULL,
  CONSTRAINT file_chunk_pk PRIMARY KEY (origin, digest, number)
);

CREATE TABLE file_whole (
  origin text NOT NULL,
  digest bytea NOT NULL,
  serial text NOT NULL,
  size bigint NOT NULL,
  whole_ms bigint NOT NULL,
  CONSTRAINT file_whole_pk PRIMARY KEY (origin, digest)
);

-- Rights that nodes spent, and what the centre made of each when it arrived. `fee_cents` is the fee that was due.
CREATE TABLE quota_spent (
  origin text NOT NULL,
  idx bigint NOT NULL,
  node text NOT NULL,
  subject_ref bytea NOT NULL,
  matter text NOT NULL,
  year integer NOT NULL,
  units integer NOT NULL,
  said_free boolean NOT NULL,
  fee_cents integer NOT NULL,
  occurred_ms bigint NOT NULL,
  settled_ms bigint NOT NULL,
  CONSTRAINT quota_spent_pk PRIMARY KEY (origin, idx)
);

CREATE INDEX quota_spent_of ON quota_spent (subject_ref, matter, year);

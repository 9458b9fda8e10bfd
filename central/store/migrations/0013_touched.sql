-- Whom an exchange changed without a change number: the publisher, alone, gives them one before it collects.
CREATE TABLE subject_touched (
  ref bytea NOT NULL,
  origin text NOT NULL,
  idx bigint NOT NULL,
  CONSTRAINT subject_touched_pk PRIMARY KEY (ref, origin, idx)
);

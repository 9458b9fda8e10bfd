-- What halls' entries say of findings: who has one there, and how it is explained (sealed).
CREATE TABLE finding_word (
  origin text NOT NULL,
  idx bigint NOT NULL,
  node text NOT NULL,
  finding text NOT NULL,
  owner text NOT NULL,
  state text NOT NULL,
  note_sealed bytea NOT NULL,
  occurred_ms bigint NOT NULL,
  CONSTRAINT finding_word_pk PRIMARY KEY (origin, idx)
);

CREATE INDEX finding_word_on ON finding_word (finding);

-- A one-way mark of each key the centre works with, written at the first opening: the wrong key is found before it
-- seals or signs anything. Marks are never changed; a key is replaced by a planned rotation only.

CREATE TABLE key_mark (
  name text NOT NULL,
  mark bytea NOT NULL,
  CONSTRAINT key_mark_pk PRIMARY KEY (name)
);

-- The rows of a data set stand on a shelf. Its scope is answered from the one held (`held` 1); the next generation is put
-- on another, in slices, that no reader looks at (`held` 0). Rows whose shelf is not listed here are garbage: counted
-- nowhere, deleted in slices. Numbers only grow, so a new generation is written behind all others, and never meet again.
CREATE TABLE shelf (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  scope  TEXT NOT NULL,
  held   INTEGER NOT NULL,
  UNIQUE (scope, held)
);
INSERT INTO shelf (scope, held) SELECT scope, 1 FROM release_held ORDER BY scope;

CREATE TABLE subject_cache_new (
  shelf     INTEGER NOT NULL,
  ref       BLOB NOT NULL,
  digest    BLOB NOT NULL,
  sealed    BLOB,
  open_part BLOB,
  PRIMARY KEY (shelf, ref)
) WITHOUT ROWID;
INSERT INTO subject_cache_new (shelf, ref, digest, sealed, open_part)
  SELECT number, ref, digest, sealed, open_part FROM shelf JOIN subject_cache USING (scope) ORDER BY number, ref;
DROP TABLE subject_cache;
ALTER TABLE subject_cache_new RENAME TO subject_cache;

CREATE TABLE plain_row_new (
  shelf  INTEGER NOT NULL,
  ref    BLOB NOT NULL,
  digest BLOB NOT NULL,
  blob   BLOB NOT NULL,
  PRIMARY KEY (shelf, ref)
) WITHOUT ROWID;
INSERT INTO plain_row_new (shelf, ref, digest, blob)
  SELECT number, ref, digest, blob FROM shelf JOIN plain_row USING (scope) ORDER BY number, ref;
DROP TABLE plain_row;
ALTER TABLE plain_row_new RENAME TO plain_row;

-- Which plain row is whose; the row itself stands in plain_row alone, beside its digest.
CREATE TABLE staff_new (
  shelf INTEGER NOT NULL,
  staff TEXT NOT NULL,
  ref   BLOB NOT NULL,
  PRIMARY KEY (shelf, staff)
) WITHOUT ROWID;
INSERT INTO staff_new (shelf, staff, ref) SELECT number, staff, ref FROM shelf JOIN staff USING (scope);
DROP TABLE staff;
ALTER TABLE staff_new RENAME TO staff;

-- Rows of the cache lie in the order a pack brings them (scope, then ref): a county is written from left to right, each
-- page once, and one tree stands where a table and two indexes stood.

CREATE TABLE subject_cache_new (
  ref       BLOB NOT NULL,
  scope     TEXT NOT NULL,
  digest    BLOB NOT NULL,
  sealed    BLOB,
  open_part BLOB,
  PRIMARY KEY (scope, ref)
) WITHOUT ROWID;
INSERT INTO subject_cache_new (ref, scope, digest, sealed, open_part)
  SELECT ref, scope, digest, sealed, open_part FROM subject_cache ORDER BY scope, ref;
DROP TABLE subject_cache;
ALTER TABLE subject_cache_new RENAME TO subject_cache;

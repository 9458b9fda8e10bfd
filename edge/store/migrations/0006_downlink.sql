-- What the centre signed of a data set in 256 parts (`state`: its SHA-256 is the state root), which parts were emptied
-- because they differed (`lacking`: one byte each), and when a time-boxed set ends (`until_ms`: 0 never).
ALTER TABLE release_held ADD COLUMN state BLOB NOT NULL DEFAULT x'';
ALTER TABLE release_held ADD COLUMN lacking BLOB NOT NULL DEFAULT x'';
ALTER TABLE release_held ADD COLUMN until_ms INTEGER NOT NULL DEFAULT 0;

-- Subjects who withdrew their consent: not answered from the cache, whatever a data set says, until it is given again.
CREATE TABLE withdrawn (ref BLOB PRIMARY KEY, since_ms INTEGER NOT NULL) WITHOUT ROWID;

-- Bytes carried over the line, by day (China) and lane.
CREATE TABLE line_used (
  day   TEXT NOT NULL,
  lane  INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (day, lane)
) WITHOUT ROWID;

-- Cached rows are sealed to their digest from now on, so that an old row cannot stand in for a new one: fetched again.
DELETE FROM subject_cache;
UPDATE release_held SET version = 0, rows = 0 WHERE data_class = 'detail';

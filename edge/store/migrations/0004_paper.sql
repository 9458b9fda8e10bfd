-- A job the clerk says nothing came of is tried again under a new name of its own; the printer it was handed to.
ALTER TABLE print_job ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
ALTER TABLE print_job ADD COLUMN printer TEXT NOT NULL DEFAULT '';

-- Numbered sheets as inventory: blocks issued to a window ("" the whole hall), and what became of each sheet.
CREATE TABLE sheet_block (
  id        TEXT PRIMARY KEY,
  prefix    TEXT NOT NULL,
  digits    INTEGER NOT NULL,
  first     INTEGER NOT NULL,
  last      INTEGER NOT NULL,
  window    TEXT NOT NULL,
  state     TEXT NOT NULL,       -- open, returned
  issued_ms INTEGER NOT NULL,
  issued_by TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE sheet (
  block    TEXT NOT NULL,
  position INTEGER NOT NULL,
  number   TEXT NOT NULL UNIQUE,
  state    TEXT NOT NULL,        -- out (in the printer now), good, spoiled, void
  job      TEXT NOT NULL,
  reason   TEXT NOT NULL,
  at_ms    INTEGER NOT NULL,
  PRIMARY KEY (block, position)
) WITHOUT ROWID;
CREATE INDEX sheet_of_job ON sheet (job, state);

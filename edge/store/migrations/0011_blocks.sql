-- Entries by time: first and last time of each 256 (edge/store/ledger.py) in place of an index, a page less in every commit.
CREATE TABLE time_block (
  idx      INTEGER PRIMARY KEY,  -- of the block: its entries are 256 idx to 256 idx + 255
  first_ms INTEGER NOT NULL,
  last_ms  INTEGER NOT NULL
);
INSERT INTO time_block SELECT idx / 256, min(hlc_ms), max(hlc_ms) FROM entry INDEXED BY entry_when
  GROUP BY idx / 256 HAVING count(*) = 256;
DROP INDEX entry_when;

-- The right edge of the tree: the newest leaf hashes (fewer than 64) wait in the head's row, which every commit writes
-- anyway, and go into their tile 64 at a time. Together the stored tile and the edge are the tile of the tree.
ALTER TABLE ledger_head ADD COLUMN edge BLOB NOT NULL DEFAULT x'';
UPDATE ledger_head SET edge = coalesce((
  SELECT substr(hashes, 1 + 32 * (size % 256 / 64 * 64)) FROM tile WHERE level = 0 AND idx = size / 256
), x'');
UPDATE tile SET hashes = substr(hashes, 1, 32 * (SELECT size % 256 / 64 * 64 FROM ledger_head))
 WHERE level = 0 AND idx = (SELECT size / 256 FROM ledger_head);
DELETE FROM tile WHERE length(hashes) = 0;

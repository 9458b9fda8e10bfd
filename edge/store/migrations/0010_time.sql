-- The newest time any commit stood for (Unix ms). It is not the ledger's logical time: the centre's word may set it back.
ALTER TABLE ledger_head ADD COLUMN mark_ms INTEGER NOT NULL DEFAULT 0;
UPDATE ledger_head SET mark_ms = hlc_ms;

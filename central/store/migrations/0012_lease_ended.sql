-- Whether the node's own ledger says that the lease ended: before its time where the clock there ran ahead.
ALTER TABLE lease ADD COLUMN ended boolean NOT NULL DEFAULT false;

-- Whether the node's own ledger says that it opened the lease: until then every reply carries it.
ALTER TABLE lease ADD COLUMN opened boolean NOT NULL DEFAULT false;

"""The node's one encrypted database: ledger, cache, cases, paper, keys; one writer, two readers."""

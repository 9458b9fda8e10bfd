"""The tamper-evident log: entry, tree, proofs, judge."""

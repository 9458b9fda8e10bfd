"""What both ends agree on, to the byte: ledger, batches, packs, lease, one exchange."""

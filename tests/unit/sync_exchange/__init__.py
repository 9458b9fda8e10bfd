"""Batches, packs, leases and the exchange, tested as values."""

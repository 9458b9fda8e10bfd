"""The centre on a real PostgreSQL, spoken to by real ledgers, keys and batches."""

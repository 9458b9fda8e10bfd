"""The platform: API and console over PostgreSQL, the ledger of every hall."""

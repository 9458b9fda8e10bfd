"""We are fast, and did not get slow."""

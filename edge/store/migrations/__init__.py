"""The steps of the node's schema, numbered, applied in order, never edited after release."""

"""Morango as a peer of the uplink bench: a Django program in an environment of its own, never in the project's."""

"""Connectors to the systems the centre itself asks."""

"""Leases: the dated, counted, signed permission of the centre to answer from cache."""

"""Packs and releases: immutable sealed files of records, and the signed list of those in force."""

"""Resident ID card reader: SDT frames over a serial line."""

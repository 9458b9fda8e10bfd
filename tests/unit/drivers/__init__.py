"""Parsers, encoders and tables of the devices."""

"""Caller and rating pads on an RS-485 bus."""

"""Receiver for satellite positions: NMEA 0183 on a serial line."""

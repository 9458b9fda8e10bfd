"""Scanner for QR codes and bar codes on a serial line."""

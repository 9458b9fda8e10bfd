"""The core of sync: bytes, hashes, signatures."""

"""Keys and what they make: notes, COSE, sealing, certificates, request signatures."""

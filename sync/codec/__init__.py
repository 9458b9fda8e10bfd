"""How entries become bytes: strict CBOR and the columnar frame."""

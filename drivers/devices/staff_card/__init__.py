"""Staff cards that sign a challenge: PIV cards over PC/SC."""

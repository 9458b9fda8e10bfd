"""The centre's pure rules."""

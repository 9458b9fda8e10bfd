"""Paper: reports, slips, and characters no font has."""

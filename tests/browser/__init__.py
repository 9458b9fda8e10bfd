"""A clerk does a day of work with the cable out."""

"""Two parts mean the same thing."""

"""Keys, passwords, sessions and the three administrators' powers."""

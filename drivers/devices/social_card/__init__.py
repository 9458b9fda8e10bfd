"""Social security cards of generations 1 to 3 over PC/SC."""

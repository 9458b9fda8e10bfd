"""What a hall does: people, papers and rules, as pure functions and data."""

"""Other replicators that move the same events in the same run: what they are, set up, and timed."""

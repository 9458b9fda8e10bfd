"""The node: its actions over the real encrypted store and the real app, a small centre on the line."""

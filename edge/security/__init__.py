"""Who may do what at this node: passwords, sessions, forgery tokens."""

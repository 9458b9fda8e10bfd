"""The node's store, security and actions: each says no rightly, and nothing is shown before it is durable."""

"""The one network door of the node to its centre."""

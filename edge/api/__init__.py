"""The JSON door of the node: programs and pages' scripts."""

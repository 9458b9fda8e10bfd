"""Every bad input of the spine, at the door where a person or a program meets it: it is named, and nothing changes."""

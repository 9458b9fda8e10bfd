"""Lines a device hangs on: serial, TCP, and the far ends its virtual twin needs."""

"""One folder a device: pure protocol, driver, virtual twin."""

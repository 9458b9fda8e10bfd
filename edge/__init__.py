"""One hall: pages, actions, store, devices and the line to the centre."""

"""Devices as promises: ports, wires, drivers and their virtual twins."""

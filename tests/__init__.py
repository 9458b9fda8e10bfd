"""Proof: unit, contract, simulation, rig, browser, story and bench rings."""

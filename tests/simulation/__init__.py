"""The whole survives the world, from a seed."""

"""Rehearsing with the simulated backend: start, watch and end what it does on purpose."""

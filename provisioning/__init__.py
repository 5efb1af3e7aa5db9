"""Subscribers, activations, jobs: the domain and the engine that talks to the backend."""

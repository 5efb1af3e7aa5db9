"""The way to the backend: a partner's client, and the gate that limits its requests."""

"""Settings, people and one's own account."""

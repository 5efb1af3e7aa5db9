"""The projection: how answers of the backend become our rows."""

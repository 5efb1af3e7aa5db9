"""Sync: reading what the backend holds, on a schedule and on demand."""

"""The engine: takes due jobs, sends them, and records what came of it."""

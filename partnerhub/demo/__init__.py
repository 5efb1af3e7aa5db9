"""The demo: two partners with believable users, pushed through the simulator and synced."""

"""What `make bench` runs: speed shown beside the floor of the same machine, never asserted."""

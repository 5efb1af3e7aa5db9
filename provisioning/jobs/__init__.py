"""Jobs: accepting an action on a user, the outbox, leases, and the one final state."""

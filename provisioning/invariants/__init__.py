"""What must be true of our tables at every moment, and how that is checked."""

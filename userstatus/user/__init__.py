"""The page of one user."""

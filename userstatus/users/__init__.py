"""The page User status: the list of users, its filters, rows and live updates."""

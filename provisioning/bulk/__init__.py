"""Bulk actions: one action on up to ten thousand users, previewed, rolled out, counted."""

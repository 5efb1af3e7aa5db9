"""Lists of users at a million rows: filters, search, counts, and the query of a page."""

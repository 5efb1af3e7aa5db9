"""Partners, people, rights, backend connections and the audit log."""

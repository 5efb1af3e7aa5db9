"""A simulated Webex for BroadWorks backend: a project of its own, reached by HTTP only."""

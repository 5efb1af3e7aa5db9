"""What `make chaos` and `make soak` run: the product under every fault that we know of.

In the manner of Jepsen: clients act and keep a history of their own, a nemesis breaks things, and
when all is quiet again a checker compares history, tables and the backend's own log.
"""

"""`make run`, `make test` and `make check`: the product on one machine, from wheels alone."""

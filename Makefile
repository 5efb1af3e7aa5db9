# One command each; every recipe becomes the program it names, so that signals reach it.
# The set-up (Python, .venv, locked packages) is partnerhub/local/bootstrap.py's.

# Any Python reads the bootstrap; it makes .venv with the newest that it supports, or with PYTHON.
ANY_PYTHON := $(or $(PYTHON),$(shell for p in python3 python3.14 python3.13 python3.12 python3.11 \
	python; do command -v $$p >/dev/null 2>&1 && { echo $$p; break; }; done))
BOOTSTRAP = exec $(or $(ANY_PYTHON),$(error This needs Python 3.11 to 3.14, and none was found)) \
	partnerhub/local/bootstrap.py

.PHONY: help run test test-long test-changed check bench chaos soak simulator reset logs lock messages migrations

help: ## these lines
	@exec grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST)

run: ## the whole product, on PORT (8000) and SIMULATOR_PORT (8001)
	@$(BOOTSTRAP) run

test: ## every test that tells whether a change is right
	@$(BOOTSTRAP) test

test-long: ## those of the harnesses and the longest searches: chaos, benchmarks
	@$(BOOTSTRAP) test-long

test-changed: ## only the tests that the changed files reach; BASE=HEAD, or another commit
	@$(BOOTSTRAP) test-changed

check: ## lint, types, layers, migrations, translations, compose file
	@$(BOOTSTRAP) check

bench: ## speed beside the floor of this machine; SUBSCRIBERS=20000 for a quick look
	@$(BOOTSTRAP) bench

chaos: ## every fault of the plan, judged; SEED=7 FAULTS=F1,F7 to choose
	@$(BOOTSTRAP) chaos

soak: ## an hour of mixed faults; SOAK_MINUTES=60, SEED=7
	@$(BOOTSTRAP) soak

simulator: ## the simulated backend alone, on SIMULATOR_PORT
	@$(BOOTSTRAP) simulator

reset: ## forget all local data (.run/)
	@$(BOOTSTRAP) reset

logs: ## follow the logs of `make run`
	@exec tail -n 40 -F .run/logs/*.log

lock: ## pin requirements/*.in anew, with hashes
	@$(BOOTSTRAP) lock

messages: ## collect texts for translation
	@$(BOOTSTRAP) messages

migrations: ## write what changed in the models as migrations
	@$(BOOTSTRAP) migrations

# From a fresh clone on Debian 12 with git, make and python3: `make run`. docs/howto/run.md says the rest.

PORT ?=
REGION ?=
DETACH ?=
ARGS ?=

# The lifecycle runs before anything is installed: any Python 3.11 of the system will do.
PYTHON := $(shell for python in python3 python3.11 /usr/bin/python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && echo $$python && break; done)
ifeq ($(PYTHON),)
$(error Python 3.11 is needed: on Debian 12, apt-get install python3)
endif
LIFECYCLE := $(PYTHON) -m bioccia.lifecycle
VENV := .venv/bin
COMPILE := $(VENV)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --no-annotate

.PHONY: run setup services stop clean test test-quick check bench lock

run: ## set up, play the demonstration, serve until Ctrl-C (PORT=, REGION=DIR, DETACH=1)
	@$(LIFECYCLE) run --port '$(PORT)' --region '$(REGION)' --detach '$(DETACH)'

setup: ## install every part, start nothing
	@$(LIFECYCLE) setup

services: ## start the private database server and broker, and leave them running
	@$(LIFECYCLE) services

stop: ## stop what run or services started, by its own pid files
	@$(LIFECYCLE) stop

clean: ## stop, then remove var/ and its data
	@$(LIFECYCLE) clean

test: ## the whole test suite, browser journeys included (ARGS= for pytest)
	@$(LIFECYCLE) setup-tests
	@$(VENV)/python -m pytest $(ARGS)

test-quick: ## the tests of the inner loop: no browser, no process of their own, nothing slow
	@$(LIFECYCLE) setup-tests
	@$(VENV)/python -m pytest -q -m 'not slow and not browser and not service' $(ARGS)

check: ## formatters, linters, types, import contracts, templates, translations, migrations, lock files
	@$(LIFECYCLE) setup-tests
	@$(VENV)/python -m bioccia.lifecycle.check

bench: ## the benchmarks as one table, each beside its peer in the same run
	@$(LIFECYCLE) setup-tests
	@$(VENV)/python benchmarks/run.py $(ARGS)

lock: ## write the lock files again after a change of pyproject.toml or package.json
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --group tools -o requirements-tools.lock
	$(COMPILE) --group node -o requirements-node.lock
	npm install --package-lock-only --ignore-scripts
	$(VENV)/python -m bioccia.lifecycle.npm_lock

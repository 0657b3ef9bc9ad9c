# One word each. The first command makes the virtual environment; nothing else is needed than Python 3.11+, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run-installed
DEV := $(VENV)/.dev-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test exhaustive leftovers test-agents check format lint types bench bench-worktree docs wheel lock clean

demo: $(RUN) ## play the whole story on this machine
	@$(BIN)/issuewright demo

test: $(DEV) ## run the tests
	@$(BIN)/pytest -n $(or $(WORKERS),3) --dist worksteal

check: $(DEV) ## what CI runs: format, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

exhaustive: $(DEV) ## the long tests: every crash alone, a hundred tasks in the fleet
	@ISSUEWRIGHT_EXHAUSTIVE=1 CHAOS_TASKS=100 $(BIN)/pytest -n $(or $(WORKERS),3) tests/flow/test_conversations.py tests/postgres

leftovers: $(DEV) ## two hundred tasks in a bot that is killed at random: what is left?
	@KILLED_TASKS=200 $(BIN)/pytest -q -s tests/sandbox/databases/test_random_kills.py

test-agents: $(DEV) ## the real agents in the real sandbox, against a scripted model; AGENTS="codex claude" for some
	@$(BIN)/python -m tests.agents_real.install $(AGENTS) || true
	@$(BIN)/pytest -n $(or $(WORKERS),3) tests/agents_real --agents "$(AGENTS)"

format: $(DEV) ## write the code as the formatter wants it
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(DEV) ## measure; ratios side by side in one run
	$(BIN)/python -m bench.receiver

bench-worktree: $(DEV) ## measure worktrees beside git's own
	$(BIN)/python -m bench.worktree

docs: $(DEV) ## renew the generated parts of the documentation
	$(BIN)/python -m tests.task.table

wheel: $(RUN) ## build the wheel into dist/
	@$(BIN)/python -m hatchling build -t wheel

lock: ## renew the pinned dependencies (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url \
	  --no-emit-find-links --no-header --no-annotate pyproject.toml --group build -o requirements/run.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url \
	  --no-emit-find-links --no-header --no-annotate pyproject.toml --group build --group dev \
	  -c requirements/run.lock -o requirements/dev.lock

clean: ## remove what the commands above made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Issuewright needs Python 3.11 or newer; set PYTHON=python3.11, say."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(RUN): $(BIN)/python requirements/run.lock pyproject.toml
	@echo "Installing into $(VENV) (once) ..."
	@$(PIP) install --require-hashes -r requirements/run.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(RUN) requirements/dev.lock
	@echo "Installing what the tests need (once) ..."
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@touch $@

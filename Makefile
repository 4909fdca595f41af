# Needs python3 (3.11 or later), gcc and make; fetches the rest into $(VENV).
#   make test PYTHON=python3.12 VENV=.venv-3.12    another Python, beside the first
#   make test ARGS="tests/laws -x"                 arguments for the tool

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
JOBS ?= 2
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test soak otp lint format types bench lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed ## run the census example on two cores
	$(BIN)/zanni run examples.census:Census --cores 2 $(ARGS)

test: $(VENV)/.installed ## run the tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

soak: $(VENV)/.installed ## run the tests that take long
	$(BIN)/python -m pytest -m soak $(ARGS)

otp: $(VENV)/.installed ## compare supervisors with OTP's, where Erlang is installed
	$(BIN)/python -m pytest tests/supervisors/test_otp.py -m "soak or not soak" -rs $(ARGS)

lint: $(VENV)/.installed ## check style and format
	$(BIN)/ruff check $(ARGS)
	$(BIN)/ruff format --check

format: $(VENV)/.installed ## format, and mend what can be mended without thought
	$(BIN)/ruff check --fix-only $(ARGS)
	$(BIN)/ruff format

types: $(VENV)/.installed ## check types with mypy and pyright
	$(BIN)/mypy --strict $(ARGS)
	$(BIN)/pyright --pythonpath $(BIN)/python $(ARGS)

bench: $(VENV)/.installed ## run the benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

# Resolves anew from pyproject.toml, for every Python at once.
lock: ## write requirements.lock with the newest versions
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --upgrade uv
	.venv-lock/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --upgrade --quiet \
	    --custom-compile-command "make lock" --output-file requirements.lock

clean: ## remove environments, caches and builds
	rm -rf .venv .venv-* .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two stamps, so that a change of pyproject.toml alone does not install everything again.
$(VENV)/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    found=$$($(PYTHON) -V 2>&1) || found="not there"; \
	    echo "Zanni needs Python 3.11 or later, and $(PYTHON) is $$found:" \
	        "name another with 'make PYTHON=python3.12 ...'" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# Best Guess: everything that a person types. `make serve` and `make test` work on a fresh machine.

# The first Python that TensorFlow has wheels for; PYTHON=... chooses another.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,\
	$(shell $(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $(p))))
# 1 where the NVIDIA driver sees a card; GPU=0 or GPU=1 chooses.
GPU ?= $(shell nvidia-smi -L 2>/dev/null | grep -q '^GPU' && echo 1 || echo 0)
ifeq ($(GPU),1)
LOCK := requirements-gpu.lock
else
LOCK := requirements.lock
endif
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# A stamp a flavour: the CPU's and the GPU's TensorFlow never share an environment.
LOCKED := $(VENV)/locked-$(LOCK)
READY := $(VENV)/ready-$(LOCK)
DEV := $(VENV)/ready-dev-$(LOCK)

.PHONY: help serve test check format lock clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

serve: $(READY) ## install what is missing, then run the whole service in the foreground
	@exec $(BIN)/bestguess up

test: $(DEV) ## every test, with coverage
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(or $(ARGS),--numprocesses 2 --dist loadfile); status=$$?; \
	$(BIN)/coverage combine --quiet; \
	[ $$status -ne 0 ] || { [ -n "$(ARGS)" ] || $(BIN)/coverage report; } || status=$$?; exit $$status

check: $(DEV) ## style, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV) ## put the code into its form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# --no-emit-index-url and the absence of find-links keep every registry's address out of the lock files.
COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --quiet
lock: $(DEV) ## pin every dependency anew (UPGRADE=1: to the newest allowed)
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra cpu --extra build -o requirements.lock
	$(COMPILE) --extra gpu --extra build -c requirements.lock -o requirements-gpu.lock
	$(COMPILE) --extra dev -c requirements.lock -o requirements-dev.lock

clean: ## remove the environment and what tests leave
	rm -rf $(VENV) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(LOCKED): $(LOCK)
	@[ -n "$(PYTHON)" ] || { echo 'Best Guess needs Python 3.11, 3.12 or 3.13 (TensorFlow has no wheels for others). Install one, or name it: make serve PYTHON=/path/to/python3' >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { echo 'This Python cannot make a virtual environment; on Debian or Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@echo 'Installing from $(LOCK) into $(VENV): TensorFlow is large, this takes a minute or two ...'
	@$(PIP) install --require-hashes -r $(LOCK)
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(READY) requirements-dev.lock
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

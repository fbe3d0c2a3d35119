# Everything is done inside .venv; `make` alone lists what there is.
# Written for GNU make 3.81, which macOS has.

PYTHON ?= python3
BIN := .venv/bin
EXTRAS := $(wildcard requirements-*.txt)
WITH_CHROMIUM := CHROMIUM="$$(tools/chromium)" && export CHROMIUM

.DEFAULT_GOAL := help
.PHONY: help demo test quick lint types unit browser docs format clean

# One worker a processor; more than four only take memory from each other.
PYTEST := $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist worksteal

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | awk -F'|' '{ printf "%-16s%s\n", $$1, $$2 }'

demo: .venv/.installed ## install what is missing and open the app on 127.0.0.1:7860
	$(BIN)/python app.py

test: lint types ## everything that has to hold: format, lint, types, all tests
	$(WITH_CHROMIUM) && $(PYTEST) --durations 10

quick: .venv/.developer ## the tests that need neither a browser nor more than seconds
	$(PYTEST) -m "not browser and not slow"

lint: .venv/.developer ## format and lint, without changing a file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/.developer ## mypy, strict
	@# Gradio writes stubs beside its components; mypy would read them instead of the code.
	@find segdemo -name '*.pyi' -exec rm -f {} +
	$(BIN)/mypy

unit: .venv/.developer ## the tests that need no browser
	$(PYTEST) -m "not browser"

browser: .venv/.developer ## the tests that run in Chromium, JavaScript's included
	$(WITH_CHROMIUM) && $(PYTEST) -m browser

docs: .venv/.developer ## pages of the public names from their docstrings, into build/docs
	PYTHONPATH=. $(BIN)/python tools/docs build/docs

format: .venv/.developer ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the environment and all caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is written when its step has succeeded, so that a second call installs nothing.
.venv/.created: tools/environment
	tools/environment $(PYTHON)
	@touch $@

.venv/.installed: .venv/.created requirements.txt
	$(BIN)/python -m pip install --requirement requirements.txt
	@touch $@

.venv/.developer: .venv/.installed $(EXTRAS)
	$(BIN)/python -m pip install $(addprefix --requirement ,requirements.txt $(EXTRAS))
	@touch $@

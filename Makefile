# Every target works in a fresh clone: it prepares what it needs.

# The first Python that is new enough, else plain python3, which is then told so.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p telemkt/stack/python_version.py 2>/dev/null && { echo $$p; break; }; done || true)
VENV := .venv
PY := $(VENV)/bin/python
BASE := $(VENV)/.ready
DEV := $(VENV)/.ready-dev

.DEFAULT_GOAL := help
.PHONY: help setup run test check lint format types bench bank messages lock clean

help:  ## show the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

$(VENV)/bin/pip:
	@$(or $(PYTHON),python3) telemkt/stack/python_version.py || { command -v $(or $(PYTHON),python3) >/dev/null 2>&1 || \
		echo "telemkt needs Python 3.11 or later, and there is no $(or $(PYTHON),python3) here. Install one." >&2; exit 1; }
	@$(or $(PYTHON),python3) -m venv $(VENV) || { \
		echo "Python could not make the environment $(VENV). On Debian and Ubuntu: apt-get install python3-venv." >&2; \
		rm -rf $(VENV); exit 1; }

$(BASE): requirements.txt | $(VENV)/bin/pip
	@echo "Installing what telemkt needs ..."
	@$(PY) -m pip install -qq --disable-pip-version-check --no-input --require-hashes -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt $(BASE)
	@echo "Installing the tools for tests and checks ..."
	@$(PY) -m pip install -qq --disable-pip-version-check --no-input --require-hashes -r requirements-dev.txt
	@touch $@

setup: $(DEV)  ## prepare .venv with everything, the tools for tests and checks included

run: $(BASE)  ## start everything; PORT (8000), TELEMKT_HOME (var), DEMO=0
	@exec $(PY) -m telemkt.stack.supervisor

test: $(DEV)  ## the tests; those in a browser run where there is a Chromium
	@$(PY) -m pytest $(ARGS)

lint: $(DEV)  ## style, floors, templates
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(VENV)/bin/lint-imports
	@git ls-files -z 'templates/*.html' | xargs -0 -r $(VENV)/bin/djade --target-version 5.2 --check
	@git ls-files -z '*.py' | xargs -0 -r $(VENV)/bin/django-upgrade --target-version 5.2 --check
	@$(PY) tools/vendor.py check

format: $(DEV)  ## put code and templates into the form that lint wants
	@$(PY) -m ruff check --fix-only .
	@$(PY) -m ruff format .
	@git ls-files -z 'templates/*.html' | xargs -0 -r $(VENV)/bin/djade --target-version 5.2

types: $(DEV)  ## types of services, queries, rules and the stack
	@$(PY) -m mypy .

check: lint types  ## everything that must hold before a change goes in; the tests come last
	@$(PY) manage.py check
	@$(PY) manage.py makemigrations --check --dry-run
	@$(PY) -m telemkt.stack.messages
	@$(PY) -m pytest $(ARGS)

bench: $(DEV)  ## the benchmarks, each with its ratio to a floor
	@$(PY) -m bench $(ARGS)

bank: $(DEV)  ## compare with the full files of the bank: make bank DIR=...
	@test -d "$(DIR)" || { echo "make bank needs the folder with leads.xlsx, calls.xlsx and expected.json: make bank DIR=..." >&2; exit 1; }
	@BANK_DIR="$(abspath $(DIR))" $(PY) -m pytest -m bank $(ARGS)

messages: $(DEV)  ## collect texts for the translators (needs GNU gettext) and compile what they wrote
	@command -v xgettext >/dev/null || { echo "make messages needs GNU gettext. On Debian and Ubuntu: apt-get install gettext." >&2; exit 1; }
	@$(PY) manage.py makemessages --locale zh_Hans --no-obsolete --no-wrap --ignore .venv --ignore var --ignore '*/tests/*' --ignore 'artifacts/*' --ignore 'static/vendor/*'
	@$(PY) -m telemkt.stack.messages

lock: $(DEV)  ## write the lock files anew from the .in files (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv." >&2; exit 1; }
	@for name in requirements requirements-dev; do uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --no-emit-index-url $(ARGS) $$name.in -o $$name.txt || exit 1; done

clean:  ## remove everything that can be made again; var/, with its data, stays
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis artifacts
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
	@find locale -name '*.mo' -delete 2>/dev/null || true

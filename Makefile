# Every target works in a fresh clone: it prepares what it needs.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
BASE := $(VENV)/.ready
DEV := $(VENV)/.ready-dev

.DEFAULT_GOAL := help
.PHONY: help setup run test check lint types bench bank messages lock clean

help:  ## show the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

$(VENV)/bin/pip:
	@$(PYTHON) telemkt/stack/python_version.py
	@$(PYTHON) -m venv $(VENV) || { \
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

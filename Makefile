# The only door. `make help` lists what can be asked for.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# A python3.13 that really runs (a version manager's shim may not), else any from 3.11 up.
PYTHON ?= $(shell for p in python3.13 "$$HOME"/.pyenv/versions/3.13.*/bin/python3.13 \
	python3.14 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v "$$p" && break; done)

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
UV := .venv/bin/uv
PACKAGES := layers/core functions/trainer client local
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --upgrade

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/ready .venv-scan/ready ## Install everything into .venv and .venv-scan, and nothing else

.venv/ready: requirements.lock locks/setup.txt $(PACKAGES:%=%/pyproject.toml)
	@command -v "$(PYTHON)" >/dev/null || { echo "auto-retrain needs Python 3.11 or newer: install one, or name it: make PYTHON=/path/to/python3"; exit 2; }
	@echo "Setting up .venv with $(PYTHON), a few hundred MB …"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@.venv/bin/pip install --quiet --require-hashes -r locks/setup.txt
	@$(UV) pip install --quiet --python .venv --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation $(PACKAGES:%=-e %)
	@touch $@

.venv-scan/ready: locks/scan.txt locks/runtime.txt .venv/ready
	@echo "Setting up .venv-scan …"
	@rm -rf .venv-scan
	@$(PYTHON) -m venv .venv-scan
	@$(UV) pip install --quiet --python .venv-scan --require-hashes -r locks/scan.txt
	@$(UV) pip install --quiet --python .venv-scan --target .venv-scan/runtime --require-hashes -r locks/runtime.txt
	@touch $@

.venv-bench/ready: locks/bench.txt .venv/ready
	@echo "Setting up .venv-bench …"
	@rm -rf .venv-bench
	@$(UV) pip install --quiet --python .venv --target .venv-bench --require-hashes -r locks/bench.txt
	@touch $@

.PHONY: demo
demo: .venv/ready ## Run the main job once, on real market prices
	@.venv/bin/autoretrain demo

.PHONY: run
run: .venv/ready ## Keep the whole stack up on this machine, with the hourly tick
	@.venv/bin/autoretrain up

.PHONY: test
test: setup ## Pass all tests
	@.venv/bin/pytest

.PHONY: unit
unit: .venv/ready ## The fast tests only: pure code, no sockets
	@.venv/bin/pytest tests/unit

DATA ?= data
.PHONY: bench-learning
bench-learning: .venv-bench/ready ## Compare the product with baselines on the trade logs in DATA
	@PYTHONPATH=.:.venv-bench .venv/bin/python bench/learning.py --data $(DATA)

.PHONY: bench-gate
bench-gate: .venv/ready ## How often the gate lets a bad challenger pass, on the flip log in DATA
	@PYTHONPATH=. .venv/bin/python bench/gate.py --data $(DATA)

.PHONY: bench-degradation
bench-degradation: .venv/ready ## False alarms and found drops of the calibrated degradation test
	@PYTHONPATH=. .venv/bin/python bench/degradation.py

.PHONY: check
check: setup ## What never runs the code: format, lint, types, imports, template
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@PYTHONPATH=functions/api .venv/bin/lint-imports --verbose
	@.venv-scan/bin/sam validate --lint

.PHONY: format
format: .venv/ready ## Format the code
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

.PHONY: openapi
openapi: .venv/ready ## Write the API's contract, functions/api/openapi.json, anew
	@PYTHONPATH=functions/api .venv/bin/python -m autoretrain_api.contract > functions/api/openapi.new
	@mv functions/api/openapi.new functions/api/openapi.json

.PHONY: lock
lock: .venv/ready ## Renew every pinned, hashed requirement
	@$(COMPILE) --group pyproject.toml:setup -o locks/setup.txt
	@$(COMPILE) --group pyproject.toml:scan -o locks/scan.txt
	@$(COMPILE) --group pyproject.toml:runtime -o locks/runtime.txt
	@$(COMPILE) --group pyproject.toml:bench --constraint requirements.lock -o locks/bench.txt
	@$(COMPILE) layers/core/pyproject.toml --extra api -o layers/core/requirements.txt
	@$(COMPILE) functions/trainer/pyproject.toml --no-emit-package autoretrain -o functions/trainer/requirements.txt
	@$(COMPILE) --group pyproject.toml:dev $(PACKAGES:%=%/pyproject.toml) --all-extras \
		--no-emit-package autoretrain --no-emit-package autoretrain-trainer \
		--no-emit-package autoretrain-client -o requirements.lock

.PHONY: clean
clean: ## Remove what make has installed and built; .local, with your data, stays
	@rm -rf .venv .venv-scan .venv-bench .aws-sam

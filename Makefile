# The only door. `make help` lists what can be asked for.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# A python3.13 that really runs (a version manager's shim may not), else any from 3.11 up.
PYTHON ?= $(shell for p in python3.13 "$$HOME"/.pyenv/versions/3.13.*/bin/python3.13 \
	python3.14 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v "$$p" && break; done)

export UV_PYTHON_DOWNLOADS := never
# As pip does: a company's proxy may have a certificate of its own.
export UV_SYSTEM_CERTS := true
export NODE_USE_SYSTEM_CA := 1
# The same for a Node before 22.19.
export NODE_EXTRA_CA_CERTS ?= $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt))
export PIP_DISABLE_PIP_VERSION_CHECK := 1
UV := .venv/bin/uv
PACKAGES := layers/core functions/trainer client local
# A node that the console can be built with, else one from a wheel, in .venv-node.
NODE := $(shell node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null && command -v npm >/dev/null && echo yes)
NODE_READY := $(if $(NODE),,.venv-node/ready)
NODE_PATH := $(if $(NODE),,$(CURDIR)/.venv-node/bin:)
NPM := cd console && PATH="$(NODE_PATH)$$PATH" npm
GUARDS := .venv-scan/guards/bin
# It writes into .venv-scan, tells nobody, and asks nobody whether there is a newer one.
SEMGREP := PATH="$(CURDIR)/$(GUARDS):$$PATH" SEMGREP_SETTINGS_FILE=$(CURDIR)/.venv-scan/semgrep.yml \
	SEMGREP_LOG_FILE=$(CURDIR)/.venv-scan/semgrep.log semgrep scan --metrics=off --disable-version-check --quiet
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --upgrade

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/ready .venv-scan/ready console/node_modules/ready ## Install everything into .venv, .venv-scan and console/node_modules

.venv/ready: requirements.lock locks/setup.txt $(PACKAGES:%=%/pyproject.toml)
	@command -v "$(PYTHON)" >/dev/null || { echo "auto-retrain needs Python 3.11 or newer: install one, or name it: make PYTHON=/path/to/python3"; exit 2; }
	@echo "Setting up .venv with $(PYTHON), a few hundred MB …"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@.venv/bin/pip install --quiet --require-hashes -r locks/setup.txt
	@$(UV) pip install --quiet --python .venv --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation $(PACKAGES:%=-e %)
	@.venv/bin/python -c 'import lightgbm' 2>/dev/null || { echo "LightGBM needs the OpenMP runtime of the system: apt-get install libgomp1 (Debian, Ubuntu), dnf install libgomp (Fedora), brew install libomp (macOS)"; exit 2; }
	@touch $@

# $(call environment,FOLDER,LOCK): what is locked, in an environment that is new.
define environment
	@rm -rf $(1)
	@$(PYTHON) -m venv --without-pip $(1)
	@$(UV) pip install --quiet --python $(1) --require-hashes -r $(2)
endef

.venv-scan/ready: locks/scan.txt locks/runtime.txt locks/guards.txt .venv/ready
	@echo "Setting up .venv-scan …"
	$(call environment,.venv-scan,locks/scan.txt)
	$(call environment,.venv-scan/guards,locks/guards.txt)
	@$(UV) pip install --quiet --python .venv-scan --target .venv-scan/runtime --require-hashes -r locks/runtime.txt
	@touch $@

.venv-bench/ready: locks/bench.txt .venv/ready
	@echo "Setting up .venv-bench …"
	@rm -rf .venv-bench
	@$(UV) pip install --quiet --python .venv --target .venv-bench --require-hashes -r locks/bench.txt
	@touch $@

.venv-docs/ready: locks/docs.txt .venv/ready
	@echo "Setting up .venv-docs …"
	$(call environment,.venv-docs,locks/docs.txt)
	@touch $@

.venv-node/ready: locks/node.txt .venv/ready
	@echo "Setting up .venv-node: there is no node here from 20.19 up …"
	$(call environment,.venv-node,locks/node.txt)
	@touch $@

console/node_modules/ready: console/package-lock.json console/package.json $(NODE_READY)
	@echo "Setting up console/node_modules …"
	@$(NPM) ci --include=dev --silent
	@touch $@

console/dist/index.html: console/node_modules/ready $(shell find console/src console/index.html console/*.ts)
	@$(NPM) run --silent build

.PHONY: console
console: console/dist/index.html ## Build the web console, which `make run` serves

.PHONY: demo
demo: .venv/ready ## Run the main job once, on real market prices
	@.venv/bin/autoretrain demo

.PHONY: run
run: .venv/ready console/dist/index.html ## Keep the whole stack up on this machine, with the hourly tick (PORT=8002 for another port)
	@.venv/bin/autoretrain up $(if $(PORT),--port $(PORT))

.PHONY: test
test: setup console/dist/index.html ## Pass all tests
	@$(NPM) test --silent
	@.venv/bin/pytest

.PHONY: unit
unit: .venv/ready ## The fast tests only: pure code, no sockets
	@.venv/bin/pytest tests/unit

# What goes to AWS is built with the python3.13 and the uv of .venv, or the next on the PATH.
CLOUD := PATH="$(CURDIR)/.venv/bin:$(NODE_PATH)$$PATH" .venv-scan/bin/python checks/cloud.py

.PHONY: build
build: .venv-scan/ready $(NODE_READY) ## Build what AWS runs, the trainer's image too (ARCH=arm64 for arm64)
	@$(CLOUD) build $(ARCH)

.PHONY: deploy
deploy: build ## Create or update the stack in your AWS account; asks for everything the first time
	@$(CLOUD) deploy $(ARCH)

.PHONY: destroy
destroy: .venv-scan/ready ## Delete the stack from your AWS account; the database and the models stay
	@$(CLOUD) destroy

.PHONY: test-sam
test-sam: setup ## Run every function by `sam local invoke`, the trainer's image too, in containers
	@$(CLOUD) ready
	@PATH="$(CURDIR)/.venv/bin:$(NODE_PATH)$$PATH" .venv/bin/pytest tests/sam_local

DATA ?= data
# The document to write the tables into, between the markers of the benchmark's name.
DOC ?=
MARKDOWN = $(if $(DOC),--markdown $(DOC))
.PHONY: bench-learning
bench-learning: .venv-bench/ready ## Compare the product with baselines on the trade logs in DATA
	@PYTHONPATH=.:.venv-bench .venv/bin/python bench/learning.py --data $(DATA) --json bench/results/learning.json $(MARKDOWN)

.PHONY: bench-gate
bench-gate: .venv/ready ## How often the gate lets a bad challenger pass, on the flip log in DATA
	@PYTHONPATH=. .venv/bin/python bench/gate.py --data $(DATA) $(MARKDOWN)

.PHONY: bench-recipes
bench-recipes: .venv-bench/ready ## Ways to learn from long logs, on four streams of its own and the logs in DATA
	@PYTHONPATH=.:.venv-bench .venv/bin/python bench/streams.py --out .streams
	@PYTHONPATH=.:.venv-bench .venv/bin/python bench/recipes.py --data .streams/long --data $(DATA) $(MARKDOWN)

.PHONY: bench-memories
bench-memories: .venv-bench/ready ## Short memories of several lengths, on five streams of its own and the logs in DATA
	@PYTHONPATH=.:.venv-bench .venv/bin/python bench/streams.py --out .streams
	@PYTHONPATH=.:.venv-bench .venv/bin/python bench/memories.py --data .streams/jumps --data $(DATA) $(MARKDOWN)

.PHONY: bench-degradation
bench-degradation: .venv/ready ## False alarms and found drops of the calibrated degradation test
	@PYTHONPATH=. .venv/bin/python bench/degradation.py $(MARKDOWN)

.PHONY: bench
bench: .venv-bench/ready .venv-scan/ready ## Measure what the product must reach (ONLY=check,load)
	@PYTHONPATH=. .venv/bin/python -m bench.performance $(if $(ONLY),--only $(ONLY))

.PHONY: bench-smoke
bench-smoke: .venv-bench/ready .venv-scan/ready ## Run every benchmark once, on small data
	@PYTHONPATH=. .venv/bin/python -m bench.performance --smoke

# Two at a time: each waits for something the other does not.
CHECKS := types template code cloud console format imports
.PHONY: check $(CHECKS:%=check-%)
check: setup ## What never runs the code: format, lint, types, imports, template, what guards it
	@$(MAKE) --no-print-directory --jobs=2 $(and $(filter output-sync,$(.FEATURES)),--output-sync) $(CHECKS:%=check-%)

check-format:
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .

check-types:
	@.venv/bin/mypy

check-imports:
	@PYTHONPATH=functions/api .venv/bin/lint-imports --verbose

check-template:
	@.venv-scan/bin/sam validate --lint
	@.venv-scan/bin/cfn-lint --config-file checks/cfn-lint.yaml -- template.yaml stacks/*.yaml

check-cloud:
	@$(GUARDS)/checkov --config-file checks/checkov.yaml $(patsubst %,--file %,template.yaml $(wildcard stacks/*.yaml) functions/trainer/Dockerfile)

check-console:
	@$(NPM) run --silent lint

PRODUCT := layers functions client local
check-code:
	@$(GUARDS)/bandit --quiet --configfile pyproject.toml --recursive $(PRODUCT) bench checks/audit.py checks/cloud.py
	@$(SEMGREP) --test --config checks/semgrep checks/semgrep
	@$(SEMGREP) --error --config checks/semgrep $(PRODUCT)

.PHONY: audit
audit: setup ## Ask for published advisories about everything that is pinned
	@PATH="$(NODE_PATH)$$PATH" .venv/bin/python checks/audit.py $(GUARDS)/pip-audit npm

.PHONY: test-faults
test-faults: .venv/ready ## What happens if …: every fault and every bad input, as a table
	@.venv/bin/pytest --faults

.PHONY: test-matrix
test-matrix: .venv/ready ## Python 3.11 to 3.13 with Postgres 15, 16 and 18, as far as they are here; long
	@$(PYTHON) checks/matrix.py

.PHONY: docs
docs: .venv-docs/ready ## Build the site of docs/, into site/
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

.PHONY: pages
pages: .venv/ready ## Write anew what the pages say about commands, routes and settings
	@PYTHONPATH=functions/api:. .venv/bin/python -m checks.pages

VERSION ?=
.PHONY: stamp
stamp: ## Write VERSION into everything that has one, and date the changelog
	@$(PYTHON) checks/stamp.py "$(VERSION)"

.PHONY: soak
soak: .venv/ready ## 90 simulated days in which calls fail, and 200,000 steps of the model test
	@.venv/bin/pytest tests/faults/test_soak.py tests/faults/test_machine.py --fault-profile long --fault-figures tests/faults/results/soak.json

.PHONY: load
load: .venv/ready ## The busiest hour: 5,000 strategies due at once, 50 clients at the API
	@.venv/bin/python -m tests.load --figures tests/faults/results/load.json

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
	@$(COMPILE) --group pyproject.toml:guards -o locks/guards.txt
	@$(COMPILE) --group pyproject.toml:runtime -o locks/runtime.txt
	@$(COMPILE) --group pyproject.toml:node -o locks/node.txt
	@$(COMPILE) --group pyproject.toml:docs -o locks/docs.txt
	@$(COMPILE) --group pyproject.toml:bench --constraint requirements.lock -o locks/bench.txt
	@$(COMPILE) layers/core/pyproject.toml --extra api -o layers/core/requirements.txt
	@$(COMPILE) --group pyproject.toml:layer -o layers/core/build-requirements.txt
	@$(COMPILE) functions/trainer/pyproject.toml --no-emit-package autoretrain -o functions/trainer/requirements.txt
	@$(COMPILE) --group pyproject.toml:dev $(PACKAGES:%=%/pyproject.toml) --all-extras \
		--no-emit-package autoretrain --no-emit-package autoretrain-trainer \
		--no-emit-package autoretrain-client -o requirements.lock

.PHONY: clean
clean: ## Remove what make has installed and built; .local, with your data, stays
	@rm -rf .venv .venv-scan .venv-bench .venv-docs .venv-matrix .venv-node .aws-sam .streams site \
		console/node_modules console/dist

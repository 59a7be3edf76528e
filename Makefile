# Every target sets up what it needs in .venv/, once per change of the lock. `make help` lists them.
#   PYTHON=python3.13   the Python to make .venv with (the first that is 3.11 or later)
#   ARGS='...'          handed to the command: make demo ARGS=--once, make test ARGS='-k holiday'

VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/dev.txt
ARGS ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --no-cache-dir

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench schema lock clean
.DELETE_ON_ERROR:

help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## Make .venv/ with everything locked (the others do it by themselves)

demo: setup ## Watch the main job on embedded parts; ARGS=--once ends when the story is complete
	@$(BIN)/klara-daemon demo $(ARGS)

test: setup ## Run the tests against a real Postgres and a real RabbitMQ
	@$(BIN)/python -m pytest $(ARGS)

check: setup ## Format, lint, types, import contracts, schema, tests: all that must hold
	@echo "format";           $(BIN)/ruff format --quiet --check . || { echo "run \`make format\`" >&2; exit 1; }
	@echo "lint";             $(BIN)/ruff check --quiet .
	@echo "types";            $(BIN)/mypy --no-error-summary
	@echo "import contracts"; $(BIN)/lint-imports --no-logo > $(VENV)/.contracts || { cat $(VENV)/.contracts; exit 1; }
	@echo "schema";           $(BIN)/python -m sql.dump_schema --check
	@echo "tests";            $(BIN)/python -m pytest $(ARGS)

format: setup ## Format, and mend what the linter can mend
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

bench: setup ## Measure one actor's durable step beside a plain consumer, on real servers
	@$(BIN)/python -m tests.bench $(ARGS)

schema: setup ## Write sql/schema.sql anew from the migrations
	@$(BIN)/python -m sql.dump_schema

# Both locks hold for every supported Python; the second never names another version than the first.
compile = $(BIN)/uv pip compile --quiet --no-cache --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make lock" pyproject.toml $(ARGS)

lock: setup ## Write the locks anew from pyproject.toml; ARGS=--upgrade takes the newest
	@$(compile) --group build --output-file requirements/runtime.txt
	@$(compile) --group dev --extra demo --constraint requirements/runtime.txt --output-file $(LOCK)

clean: ## Remove .venv/ and what the tools leave
	@rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +

# Nothing is built from source here, so nothing but what the lock names is ever run.
$(VENV)/.locked: $(LOCK)
	@set -e; for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && break; python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Klara needs Python 3.11 or later, and none was found: install one, or name it with PYTHON=..." >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2> /dev/null; then \
		package="python$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"; \
		echo "This Python came without venv: install the package $$package (apt-get install $$package)." >&2; exit 1; \
	fi; \
	echo "installing what $(LOCK) names into $(VENV)/ (once; takes a minute or two)"; \
	"$$python" -m venv --clear $(VENV); \
	$(PIP) install -qq --require-hashes --only-binary :all: --requirement $(LOCK)
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@touch $@

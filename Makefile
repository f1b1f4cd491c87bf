# Portrait. Two commands to know: `make run` and `make test`. Needs Python 3.11+ and Node 20+.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PYTEST ?= $(BIN)/python -m pytest
export VENV

.DEFAULT_GOAL := help
.PHONY: help run environment environment-dev test test-postgres test-deployed lint format evidence demo-reset \
        messages compile-messages openapi constraints bench bench-%

help:            ## what can be made
	@grep -hE '^[a-z%-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z%-]+):[^#]*## ?/  make \1	/' | expand -t 26

environment:
	@$(PYTHON) scripts/environment.py run

environment-dev:
	@$(PYTHON) scripts/environment.py dev

run: environment ## start Portrait with its demo laboratory (PORTRAIT_PORT=8000, DEMO=0 for none)
	@exec $(BIN)/python manage.py serve $(if $(filter 0,$(DEMO)),--no-demo)

test: environment-dev ## every test that can run on this machine (ARGS='-k name')
	@$(BIN)/python scripts/run_tests.py $(ARGS)

test-postgres: environment-dev ## the Python tests on a private PostgreSQL and Redis (must be installed)
	@$(BIN)/python scripts/with_servers.py $(BIN)/python scripts/run_tests.py --python-only $(ARGS)

test-deployed: environment-dev ## the end-to-end tests on the processes of deploy/compose.yaml
	@$(BIN)/python scripts/site_without_containers.py $(BIN)/python scripts/run_tests.py --only e2e $(ARGS)

lint: environment-dev ## ruff, mypy, import-linter, djlint, eslint, tsc
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	npm run --silent lint

format: environment-dev ## put the code in its layout
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

evidence: environment-dev ## thresholds on real data and large phantoms (minutes)
	$(PYTEST) -m evidence -p no:randomly $(ARGS)

bench: environment-dev ## all benchmarks; `make bench-tiles` for one subject
	@set -e; for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script $(ARGS); done

bench-%: environment-dev
	@$(BIN)/python benchmarks/bench_$*.py $(ARGS)

demo-reset: environment ## wipe the demo (only a home that the demo made) to start afresh
	@$(BIN)/python manage.py demo_reset $(ARGS)

MESSAGES = $(BIN)/python manage.py makemessages -l fr --no-location --no-obsolete --no-wrap \
           -i node_modules -i var -i $(VENV) -i tests -i benchmarks -i scripts
messages: environment-dev ## collect the texts to translate (needs gettext)
	$(MESSAGES) -d django
	$(MESSAGES) -d djangojs

compile-messages: environment
	@$(BIN)/python manage.py serve --prepare-only

openapi: environment-dev ## renew docs/openapi.yaml
	$(BIN)/python manage.py spectacular --validate --file docs/openapi.yaml

constraints: ## renew constraints.txt from the virtual environment
	@$(BIN)/python scripts/write_constraints.py

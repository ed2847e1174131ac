# Every command anyone needs. Each installs what it needs itself; nothing has to be set or started before.
PYTHON ?= python3
RUN := .venv/bin/python
COMPILE := .venv/bin/uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate \
	--python-version 3.11 --python .venv/bin/python --quiet
.DEFAULT_GOAL := help
.PHONY: help run test check fix migrate snapshots bench lock

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start Hanout with demo data on http://localhost:8000 (PORT=…)
	@$(PYTHON) config/venv.py embedded
	@exec $(RUN) manage.py run

test: ## run the tests, on real servers started for the purpose
	@$(PYTHON) config/venv.py dev
	@$(RUN) -m pytest -n 2 --dist loadfile $(ARGS)

check: ## style, types, import ladder, migrations, tests that can be imported, contracts, size budgets
	@$(PYTHON) config/venv.py dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check --quiet . || { echo "Not formatted: run make fix."; exit 1; }
	@.venv/bin/mypy
	@report=$$(.venv/bin/lint-imports 2>&1) || { echo "$$report"; exit 1; }
	@DJANGO_SETTINGS_MODULE=config.settings.tests $(RUN) manage.py makemigrations --check --dry-run
	@DJANGO_SETTINGS_MODULE=config.settings.tests $(RUN) manage.py lint_migrations
	@report=$$($(RUN) -m pytest --collect-only -qq 2>&1) || { echo "$$report" | sed -n '/= ERRORS =/,$$p'; exit 1; }
	@$(RUN) -m pytest tests/contracts -n 2
	@echo "All checks passed."

fix: ## format, and repair what can be repaired by machine
	@$(PYTHON) config/venv.py dev
	@.venv/bin/ruff check --fix --quiet . || true
	@.venv/bin/ruff format --quiet .

migrate: ## write migrations for changed models and apply them to the development database
	@$(PYTHON) config/venv.py dev
	@$(RUN) manage.py makemigrations
	@$(RUN) manage.py migrate

snapshots: ## rewrite docs/openapi, docs/errors.md and .env.example from the code, to be read as a diff
	@$(PYTHON) config/venv.py dev
	@DJANGO_SETTINGS_MODULE=config.settings.tests $(RUN) manage.py shell --no-imports -v 0 -c \
		'from config.snapshots import write_snapshots; write_snapshots()'

bench: ## measure the hot paths, as ratios within one run
	@$(PYTHON) config/venv.py dev
	@$(RUN) -m bench

lock: ## compile requirements/ from pyproject.toml, with hashes
	@$(PYTHON) config/venv.py dev
	@$(COMPILE) -o requirements/base.txt
	@$(COMPILE) --group embedded -o requirements/embedded.txt
	@$(COMPILE) --group production -o requirements/production.txt
	@$(COMPILE) --group dev -o requirements/dev.txt

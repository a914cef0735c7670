# Everything a developer types. `make demo` and `make test` need Python 3.11, git and make, and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where pip finds torch's small CPU build, where it is not found by itself: see README.md.
TORCH_INDEX ?=
export OMP_NUM_THREADS = 1

# Throw-away values, so that `lint` can check the production settings; nothing is connected to.
PRODUCTION = DJANGO_SETTINGS_MODULE=host.settings.production DJANGO_ALLOWED_HOSTS=feeds.example \
	DJANGO_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(60))') \
	DATABASE_URL=postgres://user:word@db.example/clerestory CELERY_BROKER_URL=amqp://broker.example \
	CLERESTORY_ESCROW_KEY=8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f

.PHONY: demo test test-browser test-slow lint format bench nightly clean
.DEFAULT_GOAL := demo

$(VENV)/.installed: requirements.txt constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11) and "Clerestory needs Python 3.11 or newer: set PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

demo: $(VENV)/.installed  ## The whole product on this machine; ARGS="--port 8001 --reset" are passed on
	$(BIN)/python manage.py demo $(ARGS)

test: $(VENV)/.installed  ## All tests but the browser's and the slow ones; ARGS are passed to pytest
	$(BIN)/python -m pytest -n 2 --dist loadscope $(ARGS)

test-browser: $(VENV)/.installed-dev  ## Journeys in Debian's Chromium (apt-get install chromium)
	$(BIN)/python -m pytest -m browser -n 0 $(ARGS) tests/browser

test-slow: $(VENV)/.installed  ## Proofs that take minutes
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: $(VENV)/.installed-dev  ## Style, import contracts, types, deployment settings, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed  ## Serving, memory, policy, hostile requests, the audit trail and replay, then accuracy: hours, or ARGS="--minutes 30"
	$(BIN)/python manage.py demo --no-serve
	$(BIN)/python bench/serve.py
	$(BIN)/python bench/memory.py
	$(BIN)/python bench/policy.py
	$(BIN)/python bench/principles.py
	$(BIN)/python bench/controls.py
	$(BIN)/python bench/statements.py
	$(BIN)/python bench/seeded_harm.py
	$(BIN)/python bench/hostile.py
	$(BIN)/python bench/log.py
	$(BIN)/python bench/audit.py
	$(BIN)/python bench/erasure.py
	$(BIN)/python bench/cold.py
	$(BIN)/python bench/ingest.py
	$(BIN)/python bench/replay.py
	$(BIN)/python bench/accuracy.py $(ARGS)

nightly: $(VENV)/.installed  ## Break a running house for an hour: kill -9 of everything, 500 times
	$(BIN)/python bench/kills.py --self-check --kills 6
	$(BIN)/python bench/kills.py --kills 500 --check
	$(BIN)/python bench/overload.py --seconds 60 --check
	$(BIN)/python bench/outage.py --seconds 60 --check

clean:  ## Forget the environment and the demo's data
	@# Root's engines lie elsewhere, behind a link of ours: only what has exactly our name is removed.
	@if [ -L .local/engines ] && readlink .local/engines | grep -Eqx '/var/lib/clerestory-[0-9a-f]{12}'; \
		then echo "rm -rf $$(readlink .local/engines)"; rm -rf "$$(readlink .local/engines)"; fi
	rm -rf $(VENV) .local staticfiles

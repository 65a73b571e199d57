# Two targets are all that anyone types: `make demo` and `make test`. Before an issue is resolved: `make test-all`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-all test-engines servers check clean

demo: .venv/run
	$(BIN)/lakelet demo $(ARGS)

PYTEST := $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder --durations=50

test: servers .venv/test
	$(BIN)/lakelet install
	$(BIN)/python -m tests.mongodb
	$(PYTEST) -m "not thorough" $(ARGS)

test-all: servers .venv/test
	$(BIN)/lakelet install
	$(BIN)/python -m tests.mongodb
	$(PYTEST) $(ARGS)

test-engines: .venv/test
	$(BIN)/lakelet install
	$(PYTEST) tests/stack/test_engines_*.py tests/stack/test_frames_random.py $(ARGS)

servers:
	@requirements/servers

check: .venv/test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/python -m pytest -q tests/test_layout.py

.venv/run: requirements/run.lock pyproject.toml requirements/venv
	@PYTHON="$(PYTHON)" requirements/venv run

.venv/test: requirements/test.lock pyproject.toml requirements/venv
	@PYTHON="$(PYTHON)" requirements/venv test

clean:
	-$(BIN)/lakelet down
	rm -rf .venv .lakelet

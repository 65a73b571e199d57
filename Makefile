# Two targets are all that anyone types: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test servers check clean

demo: .venv/run
	$(BIN)/lakelet demo $(ARGS)

test: servers .venv/test
	$(BIN)/lakelet install
	$(BIN)/python -m tests.mongodb
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)

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

# Two targets are all that anyone types: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test browser check clean

demo: .venv/run
	$(BIN)/lakelet demo $(ARGS)

test: browser .venv/test
	$(BIN)/lakelet install
	$(BIN)/python -m pytest $(ARGS)

browser:
	@requirements/browser

check: .venv/test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

.venv/run: requirements/run.lock pyproject.toml requirements/venv
	@PYTHON="$(PYTHON)" requirements/venv run

.venv/test: requirements/test.lock pyproject.toml requirements/venv
	@PYTHON="$(PYTHON)" requirements/venv test

clean:
	-$(BIN)/lakelet down
	rm -rf .venv .lakelet

"""Pages without a stack, or without data: a friendly sentence, never a traceback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from lakelet.dashboards import datasets
from lakelet.dashboards.formats import NOTHING
from lakelet.dashboards.pages import boards
from lakelet.search.queries import LogPage
from lakelet.workspace.errors import EntityNotFoundException, NotRunningError, QueryError
from lakelet.workspace.paths import PROJECT_VARIABLE, REPOSITORY, STATE_VARIABLE, Workspace

SCRIPT = REPOSITORY / "dashboards" / "pages" / "navigation.py"
FLIGHTS = "dashboards/boards/flights.toml"
PAGES = ("home", "job_runs", "log_search", "quality")


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / ".lakelet"))
    yield Workspace.find()
    st.cache_data.clear()


def page(name: str) -> AppTest:
    def script(name: str) -> None:
        import importlib

        from lakelet.dashboards import theme
        from lakelet.workspace.paths import Workspace

        theme.apply()
        importlib.import_module(f"lakelet.dashboards.pages.{name}").show(Workspace.find())

    return AppTest.from_function(script, args=(name,), default_timeout=60).run()


def board(path: Path, problem: str = "") -> AppTest:
    def script(path: str, problem: str) -> None:
        from pathlib import Path

        from lakelet.dashboards import theme
        from lakelet.dashboards.pages import boards
        from lakelet.workspace.paths import Workspace

        theme.apply()
        boards.show(Workspace.find(), Path(path), problem)

    return AppTest.from_function(script, args=(str(path), problem), default_timeout=60).run()


def words(app: AppTest) -> str:
    assert not app.exception
    return " ".join(element.value for element in app.markdown)


def test_the_navigation_runs_without_a_stack() -> None:
    app = AppTest.from_file(str(SCRIPT), default_timeout=60).run()
    assert "The stack is not running" in words(app)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_how_to_begin(name: str) -> None:
    assert "lakelet up" in words(page(name)) or "lakelet demo" in words(page(name))


def test_a_board_says_how_to_begin() -> None:
    assert "lakelet up" in words(board(REPOSITORY / FLIGHTS))


FAILURES = [
    (EntityNotFoundException("Table gold.flights does not exist."), "lakelet demo"),
    (NotRunningError("The control process does not answer: see `lakelet status`."), "lakelet status"),
    (QueryError("The statement ran out of memory: ask for less."), "ran out of memory"),
    (ZeroDivisionError("secret internals"), "lakelet logs dashboards"),
]


@pytest.mark.parametrize(("error", "said"), FAILURES, ids=[type(error).__name__ for error, _ in FAILURES])
def test_a_failure_is_a_sentence(error: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    for name in ("versions", "logs", "job_runs", "table_rows"):
        monkeypatch.setattr(datasets, name, fail)
    shown = [board(REPOSITORY / FLIGHTS), page("job_runs"), page("log_search")]
    for app in shown:
        text = words(app)
        assert said in text
        assert "secret internals" not in text
        assert "Traceback" not in text


def test_no_runs_and_no_logs_are_no_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "job_runs", lambda *_: [])
    monkeypatch.setattr(datasets, "logs", lambda *_, **__: LogPage())
    assert "No runs yet" in words(page("job_runs"))
    assert "No logs yet" in words(page("log_search"))


def test_a_broken_board_file_says_what_to_correct(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "Mine"\ndataset = "gold.flights"\n[[charts]]\ntitle = "x"\ntype = "pie"\n')
    text = words(board(path))
    assert "mine.toml: charts[1].type is 'pie': write one of line" in text


def test_a_bad_board_file_breaks_its_own_page_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "dashboards" / "boards"
    folder.mkdir(parents=True)
    (tmp_path / "lakelet.toml").touch()
    good = 'title = "{}"\ndataset = "gold.flights"\n[[kpis]]\nvalue = "count(*)"\n'
    for name in ("jobs", "logs", "data-docs", " ", "first", "good"):
        (folder / f"{name}.toml").write_text(good.format(name or "blank"))
    (folder / "second.toml").write_text(good.format("first"))
    (folder / "icon.toml").write_text('icon = ":material/nothing:"\n' + good.format("icon"))
    (folder / "folder.toml").mkdir()
    os.close(os.open(os.fsencode(folder) + b"/\xff.toml", os.O_CREAT))
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    app = AppTest.from_file(str(SCRIPT), default_timeout=60).run()
    assert "The stack is not running" in words(app)  # the pages can be laid out

    entries = {
        entry.path.stem: entry for entry in boards.entries(sorted(folder.iterdir()), {"jobs", "logs", "data-docs"})
    }
    assert len({entry.slug for entry in entries.values()} | {"jobs", "logs", "data-docs"}) == len(entries) + 3
    problems = {stem: entry.problem for stem, entry in entries.items() if entry.problem}
    assert problems.keys() == {"jobs", "logs", "data-docs", " ", "second", "icon", "folder", "\udcff"}
    assert "jobs.toml: the address /jobs belongs to another page: rename the file" in problems["jobs"]
    assert "second.toml: title is 'first', as in first.toml" in problems["second"]
    assert "icon.toml: icon is ':material/nothing:'" in problems["icon"]
    assert "folder.toml is not a file" in problems["folder"]
    assert "rename the file" in words(board(entries["jobs"].path, problems["jobs"]))


def test_one_unreadable_table_hides_no_other(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def tables(_: Workspace, database: str) -> list[dict[str, str]]:
        return [{"Name": "good"}, {"Name": "broken"}] if database == "gold" else []

    def select(_: Workspace, sql: str) -> pd.DataFrame:
        if "broken" in sql:
            raise QueryError("gold.broken cannot be read.")
        return pd.DataFrame({"name": ["good"], "rows": [7]})

    monkeypatch.setattr(datasets.catalog, "get_tables", tables)
    monkeypatch.setattr(datasets, "select", select)
    assert [(table.name, table.rows) for table in datasets.table_rows(workspace)] == [("good", 7), ("broken", None)]
    workspace.write_endpoints({"control": "http://127.0.0.1:9"})
    text = words(page("home"))
    assert f"**Gold** :gray[{NOTHING} rows]" in text

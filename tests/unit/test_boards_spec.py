"""Board files: what they may say, and the sentence that a mistake gets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lakelet.dashboards.spec import board_files, load, parse
from lakelet.project import TEMPLATE
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import REPOSITORY

BOARDS = REPOSITORY / "dashboards" / "boards"
KPI = {"label": "Rows", "value": "count(*)"}


def board(**values: Any) -> dict[str, Any]:
    return {"title": "Mine", "dataset": "gold.flights", "kpis": [KPI]} | values


@pytest.mark.parametrize("path", board_files([BOARDS, TEMPLATE / "dashboards" / "boards"]), ids=lambda path: path.stem)
def test_the_boards_that_we_ship_are_valid(path: Path) -> None:
    assert load(path).title


def test_a_text_stands_for_the_table_that_it_shortens() -> None:
    chart = {"title": "t", "type": "bar", "x": "month", "y": "count(*)"}
    found = parse(Path("mine.toml"), board(charts=[chart])).charts[0]
    assert (found.by[0].column, found.by[0].label) == ("month", "Month")
    assert (found.measures[0].value, found.measures[0].label) == ("count(*)", "count(*)")


def test_a_select_is_a_dataset() -> None:
    assert parse(Path("mine.toml"), board(dataset="SELECT 1 AS one FROM gold.flights")).dataset.startswith("SELECT")


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "title is ''"),
    ({"title": 3}, "title is 3"),
    ({"colour": "red"}, "colour is not known here"),
    ({"icon": ":material/no_such_icon:"}, "icon is ':material/no_such_icon:': write an emoji"),
    ({"icon": "http://127.0.0.1/x.png"}, "icon is 'http://127.0.0.1/x.png'"),
    ({"dataset": "DROP TABLE gold.flights"}, "dataset is neither a table nor a SELECT"),
    ({"dataset": "gold.flights; DROP TABLE x"}, "dataset is neither a table nor a SELECT"),
    ({"columns": {"a b": "1"}}, "columns 'a b'"),
    ({"columns": {"a": "SELECT 1"}}, "columns.a is a statement"),
    ({"columns": {"a": "(SELECT max(x) FROM y)"}}, "columns.a is a statement"),
    ({"columns": {"a": "1 +"}}, "columns.a is not a SQL expression"),
    ({"columns": {"a": 1}}, "columns.a is 1"),
    ({"columns": []}, "columns is []"),
    ({"kpis": [{"label": "x"}]}, "kpis[1].value is missing"),
    ({"kpis": [{"value": "count(*)", "format": "roman"}]}, "kpis[1].format is 'roman': write one of text, integer"),
    ({"kpis": {"value": "count(*)"}}, "kpis is not a list of tables: write [[kpis]]"),
    ({"kpis": []}, "shows nothing"),
    ({"filters": [{"column": "lower(carrier)"}]}, "filters[1].column is 'lower(carrier)', which is no column name"),
    ({"filters": [{"column": "a", "type": "radio"}]}, "filters[1].type is 'radio': write one of select"),
    ({"charts": [{"title": "t", "type": "pie"}]}, "charts[1].type is 'pie': write one of line"),
    ({"charts": [{"title": "t", "type": "bar", "x": "a"}]}, "charts[1].y is missing"),
    ({"charts": [{"title": "t", "type": "bar", "x": "a", "y": []}]}, "charts[1].y is empty"),
    ({"charts": [{"title": "t", "type": "bar", "x": 1, "y": "b"}]}, "charts[1].x is 1"),
    ({"charts": [{"title": "t", "type": "bar", "x": "a", "y": "b", "top": -1}]}, "charts[1].top is -1"),
    ({"charts": [{"title": "t", "type": "bar", "x": "a", "y": ["b", "c"], "color": "d"}]}, "charts[1].y has several"),
    ({"charts": [{"title": "t", "type": "map", "by": "a", "latitude": "b", "longitude": "c"}]}, "charts[1].size_by"),
    ({"drill": {"levels": [{"label": "a", "rows": ["b"]}, {"by": "c", "values": "d"}]}}, "drill.levels[1].rows ends"),
]


@pytest.mark.parametrize(("values", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_a_mistake_is_named_with_its_place(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(Path("mine.toml"), board(**values))
    text = str(caught.value).replace("mine.toml:", "").replace(".a b ", " ")
    assert str(caught.value).startswith("mine.toml")
    assert said.replace("columns 'a b'", "'a b', which is no column name") in text


def test_files_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    broken, binary = tmp_path / "broken.toml", tmp_path / "binary.toml"
    broken.write_text("title = ")
    binary.write_bytes(b"\xff\xfe")
    for path in (broken, binary):
        with pytest.raises(UsageError, match="is not valid TOML"):
            load(path)
    with pytest.raises(UsageError, match="does not exist"):
        load(tmp_path / "missing.toml")
    (tmp_path / "folder.toml").mkdir()
    os.mkfifo(tmp_path / "pipe.toml")
    for name in ("folder", "pipe"):
        with pytest.raises(UsageError, match=f"{name}.toml is not a file"):
            load(tmp_path / f"{name}.toml")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "loop.toml")
    (tmp_path / "deep.toml").write_text(f"title = {'[' * 5000}")
    with pytest.raises(UsageError, match="nested too deeply"):
        load(tmp_path / "deep.toml")


def test_drafts_are_no_boards(tmp_path: Path) -> None:
    for name in ("b.toml", "a.toml", "_draft.toml", ".hidden.toml", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in board_files([tmp_path])] == ["a.toml", "b.toml"]


def test_a_projects_board_takes_the_place_of_ours(tmp_path: Path) -> None:
    project, ours = tmp_path / "project", tmp_path / "ours"
    for path in (project / "z.toml", project / "same.toml", ours / "a.toml", ours / "same.toml"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert board_files([project, ours]) == [project / "same.toml", project / "z.toml", ours / "a.toml"]

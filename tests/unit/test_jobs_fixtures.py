"""A job's fixtures as they are read: what could not fail, or would be left out, is a mistake that is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.jobs.fixtures import Case
from lakelet.workspace.errors import UsageError

DEFINED = '[arguments]\nmonth = 1\n[tables."bronze.numbers"]\nformat = "json"\ncolumns = { n = "bigint" }\n'


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "job" / "fixtures" / "case"
    for name, text in {
        "fixture.toml": DEFINED,
        "input/bronze.numbers/in.json": '{"n": 1}\n',
        "expected/silver.numbers.jsonl": '{"n": 1}\n\n{"n": 2}\n',
        "expected/silver.others.jsonl": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_fixture_is_its_arguments_its_tables_and_what_is_expected(case: Path) -> None:
    read = Case.read(case)
    assert (read.name, read.arguments) == ("job/case", {"--month": "1"})
    assert read.tables == {"bronze.numbers": {"format": "json", "columns": {"n": "bigint"}}}
    assert read.expected == {"silver.numbers": [{"n": 1}, {"n": 2}], "silver.others": []}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("fixture.toml", "month =", r"fixture\.toml cannot be read"),
        ("fixture.toml", "[argument]", "has argument: it takes arguments and tables"),
        ("fixture.toml", '[tables."bronze.numbers"]\ncolumns = {}', "takes columns, format"),
        ("fixture.toml", DEFINED + "keys = 1", "takes columns, format and, if there are any, parameters"),
        ("fixture.toml", '[tables.numbers]\nformat = "json"\ncolumns = {}', "the table 'numbers': write database"),
        ("inputs/bronze.numbers/in.json", "{}", "has inputs: a fixture has expected, fixture.toml, input"),
        ("input/numbers/in.json", "{}", "the table 'numbers'"),
        ("expected/numbers.jsonl", "{}", "the table 'numbers'"),
        ("expected/silver.numbers.json", "{}", r"expected has .*silver\.numbers\.json.*: give a file"),
        ("expected/silver.numbers.jsonl", '{"n": 1}\n{"n": ', "line 2, is not valid JSON"),
        ("expected/silver.numbers.jsonl", "[1]", "line 1, is not a row"),
    ],
)
def test_a_mistake_is_named(case: Path, name: str, text: str, said: str) -> None:
    (case / name).parent.mkdir(parents=True, exist_ok=True)
    (case / name).write_text(text)
    with pytest.raises(UsageError, match=said):
        Case.read(case)


def test_a_fixture_that_expects_nothing_is_a_mistake(case: Path) -> None:
    for file in (case / "expected").iterdir():
        file.unlink()
    with pytest.raises(UsageError, match="expected has nothing"):
        Case.read(case)
    (case / "expected").rmdir()
    with pytest.raises(UsageError, match="expected has nothing"):
        Case.read(case)

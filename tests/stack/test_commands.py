"""Every command meets hostile words: a sentence on stderr, an exit code, and never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakelet.catalog.client import ensure_database
from lakelet.cli.main import COMMANDS
from lakelet.search.queries import MAX_TEXT
from tests.clients import glue_client
from tests.conftest import Stack

LAKELET = str(Path(sys.executable).with_name("lakelet"))
DB = "commands"
NASTY = ("../../etc/'; DROP TABLE flights; --", "a\n\x1b[31m%s%n", "ß→☃x" * 1500, "-", " ")
# What a word of the user's can be, per command: a name, a path, a statement, a condition, an option's value.
WORDS = (
    ("jobs", "submit", "--"),
    ("jobs", "submit", "no-such-job", "--arg="),
    ("jobs", "runs", "--"),
    ("jobs", "show", "--"),
    ("jobs", "logs", "--"),
    ("jobs", "stop", "--"),
    ("catalog", "tables", "--"),
    ("catalog", "show", "--"),
    ("catalog", "partitions", "--"),
    ("catalog", "partitions", f"{DB}.days", "--expression="),
    ("catalog", "crawl", "--wait", "--"),
    ("sql", "--"),
    ("sql", "SELECT 1", "--database="),
    ("search", "", "--index="),
    ("notebook", "--"),
    ("notebook", "--port="),
    ("logs", "--"),
)
MISTAKES = (
    *(([name, "--no-such-option"]) for name, _, _ in COMMANDS),
    ["no-such-command"],
    ["demo", "--months", "13"],
    ["demo", "--months", "one"],
    ["up", "--only", "no-such-component"],
    ["logs", "-n", "-1"],
    ["jobs", "submit", "flights_gold", "--arg", "no-equals-sign"],
    ["jobs", "submit", "flights_gold", "--timeout", "0"],
    ["catalog", "show", "gold"],
    ["catalog", "crawl", "http://127.0.0.1/x"],
    ["catalog", "partitions", f"{DB}.days", "-e", "no_such_key = 1"],
    ["notebook", "--port", "0"],
    ["notebook", "--port", "99999"],
    ["search", "", "--index", "no-such-index"],
    ["search", "", "--index", ""],
    ["search", "x", "--size", "-3"],
    ["sql", "SELECT 1", "--output", "xml"],
)


@pytest.fixture(scope="module", autouse=True)
def table(stack: Stack) -> Iterator[None]:
    """A table with a partition key, for conditions to be about."""
    glue = glue_client(stack.workspace)
    ensure_database(stack.workspace, DB)
    definition = {"Name": "days", "PartitionKeys": [{"Name": "day", "Type": "string"}], "StorageDescriptor": {}}
    glue.create_table(DatabaseName=DB, TableInput=definition)
    yield
    glue.delete_database(Name=DB)


def run(*words: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run([LAKELET, *words], input=given, capture_output=True, check=False)
    text = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in text.stderr, (words, text.stderr)
    return text


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_a_mistake_is_a_sentence(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode in (1, 2, 4), done.stderr
    assert done.stderr.strip() and not done.stdout.strip()


@pytest.mark.parametrize("command", WORDS, ids=" ".join)
def test_a_nasty_word_is_refused(command: tuple[str, ...]) -> None:
    *first, last = command
    for word in NASTY if last == "--" else NASTY[:-1]:  # an option's blank value may mean that it is not given
        done = run(*first, last, word) if last == "--" else run(*first, last + word)
        assert done.returncode in (1, 2, 3, 4), (word, done.stderr)
        assert not done.stdout and len(done.stderr) < 4000 and "\x1b" not in done.stderr, word


@pytest.mark.parametrize("option", ["", "--run=", "--level="])
def test_a_search_takes_any_text(option: str) -> None:
    for word in NASTY:
        if option:
            assert run("search", "x", option + word).stdout.endswith("Nothing to show.\n"), word
        else:
            assert run("search", "--", word).returncode == (0 if len(word) <= MAX_TEXT else 2), word


def test_a_statement_from_stdin_may_be_any_bytes() -> None:
    assert json.loads(run("sql", "-o", "json", "-", given=b"SELECT '\xc3\x9f\xff' AS x").stdout) == [{"x": "ß\ufffd"}]
    for given in (b"", b"\xff\xfe", b"\x00", bytes(range(256))):
        assert run("sql", "-", given=given).returncode in (1, 2), given


def test_arguments_reach_a_script_as_they_are(tmp_path: Path) -> None:
    script = tmp_path / "commands_arguments.py"
    script.write_text("import json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    given = {f"--w{number}": nasty for number, nasty in enumerate((*NASTY, "a=b"))}
    words = [word for name, value in given.items() for word in ("--arg", f"{name}={value}")]
    done = run("jobs", "submit", str(script), *words, "--wait", "-o", "json")
    assert done.returncode == 0, done.stderr
    said = run("jobs", "logs", json.loads(done.stdout)["run"], "-o", "json").stdout
    found = json.loads(json.loads(said)["text"])
    assert given.items() <= dict(zip(found[::2], found[1::2], strict=True)).items()

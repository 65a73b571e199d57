"""Following files: whole lines, once, through growth, truncation, replacement, lines without an end and too long."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lakelet.search.tail import Cursor, Reading, read_lines


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.log"


def append(path: Path, content: bytes, age: float = 0) -> None:
    with open(path, "ab") as file:
        file.write(content)
    os.utime(path, (time.time() - age,) * 2)


def texts(reading: Reading) -> list[str]:
    return [line.text for line in reading.lines]


def test_only_whole_lines_and_each_once(path: Path) -> None:
    append(path, b"one\ntwo\nhal")
    first = read_lines(path, Cursor())
    assert texts(first) == ["one", "two"] and first.end.offset == 8 and not first.quiet
    append(path, b"f\nlast")
    second = read_lines(path, first.end)
    assert [(line.offset, line.text) for line in second.lines] == [(8, "half")]
    append(path, b"", age=60)  # nobody writes it any more
    third = read_lines(path, second.end)
    assert texts(third) == ["last"] and third.quiet
    assert read_lines(path, third.end).lines == []


def test_lines_can_be_left_for_the_next_reading(path: Path) -> None:
    append(path, b"one\ntwo\nthree\n")
    reading = read_lines(path, Cursor())
    again = read_lines(path, reading.before(reading.lines[1].offset))
    assert texts(again) == ["two", "three"] and again.end == reading.end


def test_a_log_cut_short_goes_on_where_it_was(path: Path) -> None:
    append(path, b"".join(b"line %d of the log\n" % n for n in range(100)))
    cursor = read_lines(path, Cursor()).end
    kept = path.read_bytes()[-200:]
    path.write_bytes(kept + b"new\n")  # as `lakelet gc` does: the end stays, at the beginning
    reading = read_lines(path, cursor)
    assert texts(reading) == ["new"]
    assert reading.end.generation == 1  # so that its ids are not those of the lines that lay there before


def test_a_replaced_file_is_read_from_its_start(path: Path) -> None:
    append(path, b"old content\n")
    cursor = read_lines(path, Cursor()).end
    path.write_bytes(b"quite another content, and longer\n")
    reading = read_lines(path, cursor)
    assert texts(reading) == ["quite another content, and longer"] and reading.end.generation == 1


def test_a_line_longer_than_a_reading_is_begun_and_skipped(path: Path) -> None:
    append(path, b"x" * 250 + b"\nafter\n")
    cursor, found = Cursor(), []
    while True:
        reading = read_lines(path, cursor, limit=100)
        found += texts(reading)
        cursor = reading.end
        if not reading.more:
            break
    assert found == ["x" * 100, "after"]


@pytest.mark.parametrize("limit", [7, 16, 64, 1000])
def test_any_limit_finds_the_same_lines(path: Path, limit: int) -> None:
    lines = [b"%d" % (n * n) for n in range(60)]
    append(path, b"\n".join(lines) + b"\n")
    cursor, found = Cursor(), []
    while (reading := read_lines(path, cursor, limit)).lines or reading.more:
        found += texts(reading)
        cursor = Cursor.from_json(reading.end.to_json())
    assert found == [line.decode() for line in lines]

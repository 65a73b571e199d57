"""What makes a log record: headers of every component, traces that stay whole, and anything that is no log at all."""

from __future__ import annotations

import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelet.search.records import MAX_RECORD_LINES, Line, Record, after_key, opens_key, printable, records
from lakelet.search.redaction import clean

JAVA = """\
26/11/24 13:33:53 ERROR Executor: Exception in task 0.0 in stage 1.0 (TID 3)
java.lang.IllegalStateException: boom
\tat a.b.C.d(C.java:1)
Caused by: java.io.IOException: deep
\t... 3 more

26/11/24 13:33:54 INFO TaskSetManager: next"""

PYTHON = """\
before
Traceback (most recent call last):
  File "script.py", line 1, in <module>
    main()

ValueError: no good
after"""


def of(text: str) -> list[Record]:
    lines, offset = [], 0
    for line in text.split("\n"):
        lines.append(Line(offset, line))
        offset += len(line.encode()) + 1
    return list(records(lines))


def test_a_java_trace_stays_with_the_line_that_logged_it() -> None:
    error, after = of(JAVA)
    assert (error.level, error.logger, error.offset) == ("ERROR", "Executor", 0)
    assert error.message.startswith("Exception in task") and error.message.endswith("... 3 more")
    assert after.message == "next"
    assert JAVA.encode()[after.offset :].startswith(b"26/11/24 13:33:54")


def test_a_python_traceback_is_one_record_and_an_error() -> None:
    before, trace, after = of(PYTHON)
    assert (before.message, after.message) == ("before", "after")
    assert trace.message.startswith("Traceback") and trace.message.endswith("ValueError: no good")
    assert (before.level, trace.level, after.level) == (None, "ERROR", None)


def test_a_chain_of_tracebacks_is_one_record() -> None:
    trace = "Traceback (most recent call last):\n  File x\nKeyError: 1"
    (record,) = of(f"{trace}\n\nDuring handling of the above exception, another exception occurred:\n\n{trace}")
    assert record.message.count("KeyError") == 2


def test_every_component_s_header_is_understood() -> None:
    local = datetime(2026, 11, 24, 13, 33, 52).astimezone()
    for text, level, logger in (
        ("26/11/24 13:33:52 WARN o.a.s.Thing$: said", "WARN", "o.a.s.Thing$"),
        ("[2026-11-24T13:33:52,000][INFO ][o.o.n.Node               ] said", "INFO", "o.o.n.Node"),
        ("2026-11-24 13:33:52,000 ERROR aws.app: said", "ERROR", "aws.app"),
        ("2026-11-24 13:33:52.000 said", None, None),
    ):
        (record,) = of(text)
        assert (record.message, record.level, record.logger, record.time) == ("said", level, logger, local)
    (record,) = of("2026-11-24T13:33:52.000Z INFO o.o.n.Node: said")
    assert record.time and record.time.isoformat() == "2026-11-24T13:33:52+00:00"
    assert [(r.level, r.message) for r in of("INFO:     started\nWARNING:root:look")] == [
        ("INFO", "started"),
        ("WARNING", "look"),
    ]


def test_an_impossible_time_is_no_time() -> None:
    (record,) = of("26/13/45 99:99:99 INFO X: said")
    assert record.time is None and record.message == "said"


def test_a_record_that_never_ends_is_parted() -> None:
    found = of("start\n" + "\n".join(f"  line {n}" for n in range(2 * MAX_RECORD_LINES)))
    assert len(found) == 3
    assert "\n".join(record.message for record in found).count("line") == 2 * MAX_RECORD_LINES


def test_bytes_that_are_no_text_become_printable() -> None:
    assert printable(b"\x00\xff \x1b[31mred\x1b[0m\ttab\r\n") == " \ufffd red\ttab"


@given(st.lists(st.text(alphabet=" \tabc:.E[]Traceback12/", max_size=40), max_size=30))
def test_no_text_is_lost_and_offsets_rise(lines: list[str]) -> None:
    found = list(records(Line(n, text) for n, text in enumerate(lines)))
    assert [record.offset for record in found] == sorted({record.offset for record in found})
    assert all(record.message.strip() for record in found)


def test_hostile_lines_are_quick() -> None:
    began = time.monotonic()
    for line in ("a." * 16_000, "[" * 32_000, "2026-11-24 13:33:52,000" + " " * 32_000, ": " + "a." * 16_000):
        of("x\n" + line)
    assert time.monotonic() - began < 10  # a pattern that backtracks takes minutes


BODY = [f"MIIE{number:060d}" for number in range(60)]
KEY = ["-----BEGIN RSA PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED", "", *BODY, "-----END RSA PRIVATE KEY-----"]


@pytest.mark.parametrize("before", [[], ["INFO: the key:"], ["start", *["  indented"] * (MAX_RECORD_LINES - 5)]])
def test_a_private_key_is_never_parted_and_does_not_leave(before: list[str]) -> None:
    found = of("\n".join([*before, *KEY, "after"]))
    cleaned = [clean(record.message, []) for record in found]
    assert cleaned[-1] == "after" and cleaned[-2].endswith("-----BEGIN RSA PRIVATE KEY-----[redacted]")
    assert not [text for text in cleaned if "MIIE" in text]


def test_a_key_in_a_named_value_does_not_leave() -> None:
    (record,) = of("\n".join([f"private_key: {KEY[0]}", *KEY[1:]]))
    assert "MIIE" not in clean(record.message, [])


def test_a_key_that_does_not_end_takes_no_log_line_with_it() -> None:
    key, error = of("\n".join([*KEY[:9], "26/11/24 13:33:53 ERROR Executor: lost"]))
    assert opens_key(key.message) and (error.level, error.message) == ("ERROR", "lost")
    first, second = of("ERROR: no -----BEGIN PRIVATE KEY----- in the file\nword")
    assert not opens_key(first.message) and second.message == "word"


def test_the_rest_of_a_key_is_passed_over() -> None:
    lines = [Line(number, text) for number, text in enumerate([*KEY[20:], "after"])]
    assert after_key(lines) == ([lines[-1]], False)
    assert after_key(lines[:10]) == ([], True)
    assert after_key([Line(0, "no key")]) == ([Line(0, "no key")], False)

"""JSON written anew, as Spark's Jackson does it."""

from __future__ import annotations

import json

import pytest

from lakelet.etl.jackson import written
from lakelet.etl.json_text import in_double_quotes, loaded


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a" : [1 , -0, 1.50, 1e7, 1E-5]}', '{"a":[1,0,1.5,1.0E7,1.0E-5]}'),
        (
            '["\\u00e9", "\\/", "\\u001f", "\\t", "\\u007f", "\\ud83d\\ude00"]',
            '["é","/","\\u001F","\\t","\x7f","\\uD83D\\uDE00"]',
        ),
        (
            "[12345678901234567890, 1e400, -1e400, true, null]",
            '[12345678901234567890,"Infinity","-Infinity",true,null]',
        ),
        ('{"😀": {}, "b": []}', '{"\\uD83D\\uDE00":{},"b":[]}'),
    ],
)
def test_json_is_written_as_jackson_writes_it(text: str, told: str) -> None:
    assert written(loaded(text)) == told


def test_an_object_may_have_a_name_twice() -> None:
    assert written((("a", 1), ("a", [2]))) == '{"a":1,"a":[2]}'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a':'x'}", {"a": "x"}),
        ("{'a':'x\"y','b':\"it's\"}", {"a": 'x"y', "b": "it's"}),
        ("['\\\\', '\\'', \"\\'\", \"'\"]", ["\\", "'", "'", "'"]),
        ("[-INF, +INF, +Infinity, '-INF']", [float("-inf"), float("inf"), float("inf"), "-INF"]),
    ],
)
def test_single_quotes_and_infinity_are_put_as_python_reads_them(text: str, value: object) -> None:
    assert json.loads(in_double_quotes(text)) == value

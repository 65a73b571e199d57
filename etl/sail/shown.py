"""``show`` on Sail, to the letter as Spark prints it."""

from __future__ import annotations

import re
from typing import Any

from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

_NARROWEST = 3  # of names and of values
# Characters that are two wide (org.apache.spark.util.SparkStringUtils).
_WIDE = re.compile(
    "[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]"
)
_LAST_LINE = re.compile(r"(only showing top \d+ rows?|\(0 rows\))\n$")
_RECORD = re.compile(r"-RECORD \d+-*")


def install(workspace: Workspace) -> None:
    """Stand before the text that ``show`` prints."""
    from pyspark.sql.connect.dataframe import DataFrame

    original: Any = DataFrame._show_string

    def _show_string(self: Any, n: int = 20, truncate: bool | int = True, vertical: bool = False) -> str:
        told = str(original(_with_texts(self), n, truncate, vertical))
        return _LAST_LINE.sub(r"\1", _widened(told, self.columns) if vertical else told)

    engine.replace(DataFrame, "_show_string", _show_string)


def _with_texts(rows: Any) -> Any:
    """The same rows, whose doubles are as Java writes them."""
    kinds, names = [kind for _, kind in rows.dtypes], [f"c{at}" for at in range(len(rows.columns))]
    if not {"double", "float"}.intersection(kinds):
        return rows
    from pyspark.sql import functions as F

    one_by_one = zip(names, kinds, strict=True)
    told = [F.col(name).cast("string") if kind in ("double", "float") else F.col(name) for name, kind in one_by_one]
    return rows.toDF(*names).select(*told).toDF(*rows.columns)


def _widened(told: str, names: list[str]) -> str:
    """Records in columns that are as wide as what is in them, in characters, and no narrower than Spark's."""
    if any("\n" in name for name in names):
        return told
    lines = told.split("\n")
    values: dict[int, tuple[str, str]] = {}  # by their lines, with their names
    for start, line in enumerate(lines):
        if _RECORD.fullmatch(line):
            for at, name in enumerate(names, start + 1):
                values[at] = name, lines[at][len(name) + 1 :].partition("| ")[2].rstrip()
    wide = max(_NARROWEST, *map(_width, names), 0)
    wider = max(_NARROWEST, *(_width(value) for _, value in values.values()), 0)

    def of(at: int, line: str) -> str:
        if at in values:
            name, value = values[at]
            return f" {_padded(name, wide)} | {_padded(value, wider)} "
        return f"{line.rstrip('-'):-<{wide + wider + 5}}" if _RECORD.fullmatch(line) else line

    return "\n".join(of(at, line) for at, line in enumerate(lines))


def _width(text: str) -> int:
    return len(text) + len(_WIDE.findall(text))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))

"""Cases of tests/compared.py: Spark's functions, one by one, over its rows.

They stand in tests/functions/*.sql, an expression on a line; a case takes many of them at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from lakelet.etl.errors import UnsupportedError
from lakelet.etl.sail import engine
from lakelet.etl.sail.names import require_known
from tests.compared_expressions import Make

FOLDER = Path(__file__).parent / "functions"
AT_ONCE = 30


def expressions(name: str) -> list[str]:
    lines = (FOLDER / f"{name}.sql").read_text().splitlines()
    return [one for one in lines if one and not one.startswith("--")]


def batches(name: str) -> Iterator[list[str]]:
    texts = expressions(name)
    return (texts[at : at + AT_ONCE] for at in range(0, len(texts), AT_ONCE))


def of_rows(texts: Sequence[str]) -> Make:
    return lambda spark, rows: rows.selectExpr("id", *(f"{text} AS `{text.replace('`', '')}`" for text in texts))


def of_groups(texts: Sequence[str]) -> Make:
    def made(spark: Any, rows: Any) -> Any:
        one, *others = (F.expr(text).alias(text) for text in texts)
        return rows.groupBy("g").agg(one, *others)

    return made


def of_all(texts: Sequence[str]) -> Make:
    def made(spark: Any, rows: Any) -> Any:
        one, *others = (F.expr(text).alias(text) for text in texts)
        return rows.agg(one, *others)

    return made


KINDS: Mapping[str, Callable[[Sequence[str]], Make]] = {
    "scalars": of_rows, "times": of_rows, "nested": of_rows, "windows": of_rows, "aggregates": of_groups,
}  # fmt: skip


def _cases() -> Iterator[tuple[str, Make]]:
    for name, make in KINDS.items():
        for texts in batches(name):
            yield f"functions of {name}, from {texts[0]}", make(texts)
    for texts in batches("aggregates"):
        yield f"functions of all rows, from {texts[0]}", of_all(texts)


def names(session: Any) -> dict[str, str | None]:
    """What each expression is called in a statement that gives it no alias; None, where that fails or may not be
    written."""
    found: dict[str, str | None] = {}
    for text in (one for kind in ("scalars", "times", "nested") for one in expressions(kind)):
        found[text] = None
        with contextlib.suppress(UnsupportedError, PySparkException):
            rows = session.sql(f"SELECT {text} FROM rows")
            name = rows.columns[0]
            if engine.active():
                require_known(rows._plan, rows.schema)
            found[text] = name
    return found


CASES = dict(_cases())
REFUSED = {f"function {text}": of_rows([text]) for text in expressions("refused")}

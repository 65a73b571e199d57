"""Random pipelines over everyday data (tests/random_pipelines.py) on both engines: Sail's answer is Spark's, or none.

Others are run by ``LAKELET_RANDOM=SEED:COUNT``.
"""

from __future__ import annotations

import io
import math
import os
import struct
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F
from pyspark.sql.window import Window as W

from tests.compared import plain
from tests.lake import own_lake
from tests.random_pipelines import pipelines, tables
from tests.spark import lake_on

pytestmark = pytest.mark.stack

SEED, COUNT = map(int, os.environ.get("LAKELET_RANDOM", "11:120").split(":"))
PIPELINES = [*pipelines(SEED, COUNT)]
ENGINES = ("spark", "sail")


@pytest.fixture(scope="module")
def outcomes(stack: Any) -> dict[str, list[Any]]:
    """What each pipeline came to on each engine: its types and rows, or the exception. Names are for other tests."""
    found: dict[str, list[Any]] = {}
    for engine in ENGINES:
        with lake_on(engine, stack.workspace) as glue, own_lake(glue, f"test-random-{engine}") as lake:
            known: dict[str, Any] = {"F": F, "W": W, "spark": glue.spark_session}
            for name, table in tables().items():
                buffer = io.BytesIO()
                pq.write_table(table, buffer)
                folder = lake.put(f"{name}/a.parquet", buffer.getvalue())
                known[name] = glue.spark_session.read.parquet(folder.replace("s3:", "s3a:"))
                known[name].createOrReplaceTempView(name)
            found[engine] = [_outcome(code, known) for code in PIPELINES]
    return found


def _outcome(code: str, known: dict[str, Any]) -> Any:
    try:
        rows = eval(code, known)  # tests/random_pipelines.py
        return [kind for _, kind in rows.dtypes], sorted(tuple(map(plain, row)) for row in rows.collect())
    except Exception as error:
        return error


def test_no_answer_is_another_one(outcomes: dict[str, list[Any]]) -> None:
    answered = [one for one in zip(PIPELINES, *outcomes.values(), strict=True) if not _fails(one[1]) | _fails(one[2])]
    others = [(code, spark, sail) for code, spark, sail in answered if not _same(spark, sail)]
    assert not others, [f"{code}: {str(spark)[:500]} / {str(sail)[:500]}" for code, spark, sail in others]


def test_nearly_all_are_answered(outcomes: dict[str, list[Any]]) -> None:
    asked = [one for one in zip(PIPELINES, *outcomes.values(), strict=True) if not _fails(one[1])]
    failed = [f"{code}: {str(sail)[:300]}" for code, _, sail in asked if _fails(sail)]
    assert len(asked) > COUNT * 0.9
    assert len(failed) < COUNT * 0.1, failed


def _fails(outcome: Any) -> bool:
    return isinstance(outcome, Exception)


def _same(one: Any, other: Any) -> bool:
    (kinds, rows), (told, others) = one, other
    return (kinds, len(rows)) == (told, len(others)) and all(
        all(map(_alike, *pair)) for pair in zip(rows, others, strict=True)
    )


def _alike(one: str, other: str) -> bool:
    """Whether two values are the same, but for the last digits of doubles, which are summed up in another order."""
    try:
        a, b = (struct.unpack(">d", bytes.fromhex(value))[0] for value in (one, other))
    except (ValueError, struct.error):
        return one == other
    return one == other or math.isclose(a, b, rel_tol=1e-9)

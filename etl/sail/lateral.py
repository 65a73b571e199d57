"""Columns of a SELECT by the alias of another one before them (``i AS a, a + 1 AS b``), which Sail does not know: that
one is made first. In SQL it stands in its place, when Sail has found no such column.
"""

from __future__ import annotations

import re
from typing import Any

from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine, names
from lakelet.etl.sail.sql_items import Items
from lakelet.workspace.paths import Workspace

_WORD = re.compile(r"(?<![\w.'`])[A-Za-z_]\w*(?![\w.('`])")
_STAR = re.compile(r"(?:^|\.)\s*\*\s*$")
_MISSING = re.compile(r'attribute ObjectName\(\[Identifier\("([^"]+)"\)\]\) is missing')


def install(workspace: Workspace) -> None:
    """Stand before ``select`` and ``selectExpr``."""
    from pyspark.sql import functions as F
    from pyspark.sql.connect.dataframe import DataFrame

    select, select_texts = DataFrame.select, DataFrame.selectExpr

    def selected(self: Any, *cols: Any) -> Any:
        given = cols[0] if len(cols) == 1 and isinstance(cols[0], list) else list(cols)
        return _made_first(select, self, given) or select(self, *cols)

    def selected_texts(self: Any, *expr: Any) -> Any:
        texts = [text for one in expr for text in (one if isinstance(one, list | tuple) else [one])]
        if len(texts) < 2 or not all(isinstance(one, str) for one in texts):
            return select_texts(self, *expr)
        columns = [one.strip() if _STAR.search(one) else F.expr(one) for one in texts]
        return _made_first(select, self, columns) or select_texts(self, *expr)

    engine.replace(DataFrame, "select", selected)
    engine.replace(DataFrame, "selectExpr", selected_texts)


def _made_first(select: Any, rows: Any, given: list[Any]) -> Any:
    """A select in which columns are told by the aliases of others; None for another one."""
    from pyspark.sql import functions as F

    told = [_alias(one) for one in given]
    once = [name if told.count(name) == 1 else "" for name in told]
    before, used = set[str](), set[str]()
    for name, one in zip(once, given, strict=True):
        if before:
            used |= before & _names(one)
        before |= {name} - {""}
    columns = rows.columns if used else []
    used -= set(columns)
    if not used or any(map(_is_star, given)) or len(set(columns)) < len(columns):
        return None
    made = []
    for name, one in zip(told, given, strict=True):
        if name in used:
            rows = rows.withColumn(name, one)
        every = isinstance(one, str) and one == "*"
        made += [F.col(quoted(each)) for each in (columns if every else [name])] if every or name in used else [one]
    return select(rows, *made)


def _is_star(column: Any) -> bool:
    """Whether a column stands for many, but for all."""
    text = column if isinstance(column, str) else ""
    return type(getattr(column, "_expr", None)).__name__ == "UnresolvedStar" or text.endswith(".*")


def _alias(column: Any) -> str:
    """The alias of a column; empty without one."""
    expression: Any = getattr(column, "_expr", None)
    found: Any = getattr(expression, "_alias", ())
    if type(expression).__name__ == "ColumnAlias" and len(found) == 1:
        return str(found[0])
    if type(expression).__name__ == "SQLExpression":
        *_, last = re.split(r"\bas\s+", str(getattr(expression, names.SAID, "")), flags=re.IGNORECASE)
        return last if last.isidentifier() and last != getattr(expression, names.SAID, "") else ""
    return ""


def _names(column: Any) -> set[str]:
    """The names of columns, and other words, in what makes a column."""
    expression: Any = getattr(column, "_expr", None)
    found, unseen = set[str](), [expression]
    while unseen:
        one = unseen.pop()
        if type(one).__name__ == "ColumnReference" and one._plan_id is None:
            found |= set(path) if len(path := names.parts(one)) == 1 else set()
        elif type(one).__name__ == "SQLExpression":
            found |= set(_WORD.findall(getattr(one, names.SAID, "")))
        unseen += one.children if one is not None else []
    return found


def with_aliases(text: str, error: Exception) -> str | None:
    """A statement with the value of an alias in its place, of which Sail has said that there is no such column; None,
    if it is the alias of no item before.
    """
    found = _MISSING.search(str(error))
    if not found:
        return None
    items, name = Items(text), found[1].lower()
    for first, last in items.selects():
        value, places = "", list[int]()
        for begin, end in items.arguments(first - 1, last):
            if value:
                places += [at for at in range(begin, end) if _is_column(items, at, name)]
            elif end - begin > 2 and items.words[end - 2] == "as" and items.words[end - 1].strip("`") == name:
                value = items.raw(begin, end - 2)
        if places:
            return items.edited((at, at + 1, f"({value})") for at in places)
    return None


def _is_column(items: Items, at: int, name: str) -> bool:
    """Whether a token is a column of that name: no field, no function and no alias."""
    before, behind = items.words[at - 1], "".join(items.words[at + 1 : at + 2])
    return items.words[at].strip("`") == name and before not in (".", "as") and behind not in (".", "(")

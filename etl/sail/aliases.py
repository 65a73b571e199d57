"""Columns by the alias of a data frame, on Sail: ``a.*`` has the key of a join by names, which Sail leaves out, and
``drop(F.col("a.key"))`` drops a column, of which Sail takes no notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pyspark.sql import functions as F

from lakelet.etl.paths import quoted
from lakelet.etl.sail import engine, names
from lakelet.etl.sail.protos import ANTI, INNER, LEFT, RIGHT, SEMI
from lakelet.etl.sail.statements import bare
from lakelet.workspace.paths import Workspace

# Nodes of a plan whose rows have the aliases that they had below, and the columns, but for what they name.
THROUGH = frozenset(
    (
        "Deduplicate", "Drop", "Filter", "Hint", "Limit", "NADrop", "Offset", "Repartition", "RepartitionByExpression",
        "Sample", "Sort", "WithColumns",
    )
)  # fmt: skip
_STAR = re.compile(r"\s*(\w+|`[^`]+`)\s*\.\s*\*\s*")
_STARS = re.compile(r"[\w'`]\s*\.\s*\*")
_TEXTS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_LEFT_LIKE = (INNER, LEFT, ANTI, SEMI)  # of which the keys are the left frame's
_LEFT_ALONE = (ANTI, SEMI)
_UNEQUAL = ("double", "float")  # of which a key may be equal and another: 0.0 and -0.0


def install(workspace: Workspace) -> None:
    """Stand before ``select``, ``selectExpr`` and ``drop``, and before what else may have ``a.*`` in it."""
    from pyspark.sql.connect import plan
    from pyspark.sql.connect.dataframe import DataFrame

    select, select_texts, drop = DataFrame.select, DataFrame.selectExpr, DataFrame.drop

    def selected(self: Any, *cols: Any) -> Any:
        given = cols[0] if len(cols) == 1 and isinstance(cols[0], list) else cols
        return select(self, *(made for one in given for made in _with_keys(self, _named(self, one), _star_of(one))))

    def selected_texts(self: Any, *expr: Any) -> Any:
        texts = [text for one in expr for text in (one if isinstance(one, list | tuple) else [one])]
        if not any(isinstance(text, str) and _STAR.fullmatch(text) for text in texts):
            return select_texts(self, *expr)
        return self.select(*(text.strip() if _STAR.fullmatch(text) else F.expr(text) for text in texts))

    def dropped(self: Any, *cols: Any) -> Any:
        if not any(map(_is_qualified, cols)):
            return drop(self, *cols)
        rest = [one for one in cols if not _is_qualified(one)]
        told = (_by_plan(self, one) for one in cols if _is_qualified(one))
        lost = {(one._expr._plan_id, one._expr._unparsed_identifier): one for one in told if one is not None}
        kept, made = drop(self, *rest), drop(self, *rest, *lost.values())
        if len(kept.columns) - len(made.columns) != len(lost):
            raise engine.refused("drop of a column by an alias that another column has come to, or a join by names")
        return made

    for name, method in {"select": selected, "selectExpr": selected_texts, "drop": dropped}.items():
        engine.replace(DataFrame, name, method)
    for kind in (plan.Aggregate, plan.Project, plan.WithColumns):
        engine.replace(kind, "__init__", _without_stars(kind.__init__))


def require_keys(statement: Any) -> None:
    """Refuse ``a.*`` in a SELECT (of sqlglot's statement) whose join is by names. Raises UnsupportedError."""
    from sqlglot import exp

    for found in statement.find_all(exp.Select):
        joins = [one for one in found.args.get("joins") or () if one.args.get("using") or one.method == "NATURAL"]
        stars = [one for one in found.find_all(exp.Column) if isinstance(one.this, exp.Star) and one.table]
        own = [one for one in stars if one.find_ancestor(exp.Select) is found]
        if joins and own:
            raise _otherwise(own[0].table)


def has_stars(text: str) -> bool:
    """Whether SQL may have both ``a.*`` and a join by names."""
    code = bare(text)
    return bool(_STARS.search(code)) and bool(re.search(r"\b(using|natural)\b", code, re.IGNORECASE))


def _otherwise(alias: str) -> Exception:
    return engine.otherwise(f"{alias}.* after a join by names", "it has no key")


def _without_stars(original: Any) -> Any:
    def init(self: Any, child: Any, *args: Any, **options: Any) -> None:
        original(self, child, *args, **options)
        for alias in _inner_stars(self):
            if _nodes(child, alias) and is_by_names(child):
                raise _otherwise(alias)

    return init


def _inner_stars(node: Any) -> Iterator[str]:
    """The aliases in ``a.*`` that are not a column of the select themselves."""
    columns = [
        one for name in ("_columns", "_grouping_cols", "_aggregate_cols") for one in getattr(node, name, None) or ()
    ]
    for expression in (one._expr for one in columns):
        unseen = [*expression.children]
        while unseen:
            one = unseen.pop()
            unseen += one.children
            yield from _aliases_in(one)
        if type(expression).__name__ == "SQLExpression":
            yield from _aliases_in(expression)


def _aliases_in(expression: Any) -> Iterator[str]:
    if type(expression).__name__ == "UnresolvedStar" and expression._unparsed_target:
        yield _bare_name(expression._unparsed_target[:-2])
    elif type(expression).__name__ == "SQLExpression":
        yield from (_bare_name(one[1]) for one in _STAR.finditer(_TEXTS.sub("''", expression._expr)))


def _bare_name(name: str) -> str:
    return name.strip().strip("`").lower()


def _star_of(column: Any) -> str:
    """The alias of ``a.*``; empty for another column."""
    if isinstance(column, str):
        found = _STAR.fullmatch(column)
        return _bare_name(found[1]) if found else ""
    expression: Any = getattr(column, "_expr", None)
    if type(expression).__name__ == "UnresolvedStar" and expression._plan_id is None:
        return next(_aliases_in(expression), "")
    if type(expression).__name__ == "SQLExpression":
        return _star_of(expression._expr)
    return ""


def _with_keys(rows: Any, column: Any, alias: str) -> list[Any]:
    """A column of a select; before ``a.*`` the keys that Spark has in it."""
    if not alias or not is_by_names(rows._plan):
        return [column]
    nodes = _nodes(rows._plan, alias)
    if not nodes and alias in (name.lower() for name in rows.columns):  # a struct
        return [column]
    if len(nodes) != 1:
        raise _otherwise(alias)
    keys = _missing(rows._session, rows._plan, nodes[0], alias)
    own = [name.lower() for name in _columns(rows._session, nodes[0])]
    made: list[Any] = [F.col(quoted(key)) for key in keys]
    return made if set(own) <= {key.lower() for key in keys} else [*made, F.col(f"{quoted(alias)}.*")]


def _named(rows: Any, column: Any) -> Any:
    """A column of a select; a struct's field that is cast gets its name, for to pyspark's client it may be a column by
    an alias."""
    path, name = names.cast_of(getattr(column, "_expr", None))
    if len(path) < 2 or not names.is_alias(path[0]) or _nodes(rows._plan, path[0].lower()):
        return column
    return column.alias(name) if path[0].lower() in map(str.lower, rows.columns) else column


def _nodes(plan: Any, alias: str) -> list[Any]:
    """The nodes below a plan that have that alias and whose columns are known by it."""
    kind = type(plan).__name__
    if kind in ("SubqueryAlias", "Read"):
        return [plan] if has_alias(plan, alias) else []
    if kind == "Join":
        return _nodes(plan.left, alias) + ([] if plan.how in _LEFT_ALONE else _nodes(plan.right, alias))
    return _nodes(plan._child, alias) if kind in THROUGH else []


def has_alias(plan: Any, alias: str) -> bool:
    """Whether a node gives that alias, in lower case, to its columns."""
    if type(plan).__name__ == "SubqueryAlias":
        return bool(plan._alias.lower() == alias)
    return type(plan).__name__ == "Read" and _bare_name(plan.table_name.rpartition(".")[2]) == alias


def is_by_names(plan: Any) -> bool:
    """Whether there is a join by names whose frames are known by their aliases still."""
    while type(plan).__name__ in THROUGH:
        plan = plan._child
    if type(plan).__name__ != "Join":
        return False
    return bool(using(plan)) or is_by_names(plan.left) or is_by_names(plan.right)


def using(join: Any) -> list[str]:
    """The names that a join is by; none of another node."""
    given = getattr(join, "on", None)
    on = given if isinstance(given, list | tuple) else [given]
    return [one for one in on if isinstance(one, str)]


def _columns(session: Any, plan: Any) -> dict[str, str]:
    from pyspark.sql.connect.dataframe import DataFrame

    return dict(DataFrame(plan, session).dtypes)


def _missing(session: Any, plan: Any, node: Any, alias: str) -> list[str]:
    """The keys that the columns of a node have on Spark, and not on Sail. Raises UnsupportedError where they have other
    values than the keys of the join."""
    if plan is node:
        return []
    if type(plan).__name__ != "Join":
        keys = _missing(session, plan._child, node, alias)
        if keys and not set(map(str.lower, keys)).isdisjoint(changed(plan)):
            raise _otherwise(alias)
        return keys
    by_names, on_left = using(plan), bool(_nodes(plan.left, alias))
    keys = _missing(session, plan.left if on_left else plan.right, node, alias)
    if not by_names:
        return keys
    kept = plan.how in _LEFT_LIKE if on_left else plan.how == RIGHT
    if not kept and not (plan.how == INNER and _have_one_type(session, plan, by_names)):
        raise _otherwise(alias)
    own = {name.lower() for name in _columns(session, node)}
    added = [key for key in by_names if key.lower() in own]
    before = [key for key in keys if key.lower() not in {one.lower() for one in by_names}]
    if before and added and not (kept and _is_left_most(plan, node)):
        raise _otherwise(alias)
    return [*added, *before]


def _is_left_most(plan: Any, node: Any) -> bool:
    while plan is not None and plan is not node:
        plan = plan.left if type(plan).__name__ == "Join" else plan._child
    return plan is node


def _have_one_type(session: Any, join: Any, keys: Sequence[str]) -> bool:
    """Whether equal keys are the same on both sides."""
    left, right = _columns(session, join.left), _columns(session, join.right)
    return all(left.get(key) == right.get(key) and left.get(key) not in (None, *_UNEQUAL) for key in keys)


def changed(node: Any) -> set[str]:
    """The names of the columns that a node changes, in lower case."""
    if type(node).__name__ == "WithColumns":
        return {name.lower() for name in node._columnNames}
    if type(node).__name__ != "Drop":
        return set()
    return {
        (one if isinstance(one, str) else names.parts(one._expr)[-1]).lower()
        for one in node._columns
        if isinstance(one, str) or hasattr(one._expr, "_unparsed_identifier")
    }


def _is_qualified(column: Any) -> bool:
    """Whether a column is told by more than its name, and not by its data frame."""
    expression: Any = getattr(column, "_expr", None)
    is_one = type(expression).__name__ == "ColumnReference" and expression._plan_id is None
    return is_one and len(names.parts(expression)) > 1


def _by_plan(rows: Any, column: Any) -> Any:
    """A column by its alias, told by the data frame that has that alias; None for one that is not there."""
    from pyspark.sql.connect.column import Column
    from pyspark.sql.connect.expressions import ColumnReference

    alias, *path = names.parts(column._expr)
    nodes = _nodes(rows._plan, alias.lower())
    if not nodes and alias.lower() in map(str.lower, rows.columns):  # a struct, whose fields are not dropped
        return None
    if len(nodes) != 1:
        raise engine.refused(f"drop of the column {column._expr._unparsed_identifier} by an alias that is not known")
    own = {name.lower(): name for name in _columns(rows._session, nodes[0])}
    name = own.get(path[0].lower()) if len(path) == 1 else None
    return None if name is None else Column(ColumnReference(quoted(name), nodes[0]._plan_id))

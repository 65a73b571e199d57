"""What Sail answers otherwise than Spark, without a word, in the making of columns: it is refused, so that `auto` takes
Spark, or said to Sail as the rules have it (:mod:`lakelet.etl.sail.rules`; :mod:`lakelet.etl.sail.sql_text` does so in
SQL).
"""

from __future__ import annotations

import copy
from contextvars import ContextVar
from typing import Any

from lakelet.etl.paths import quoted
from lakelet.etl.sail import decimals, engine, functions, names, rules, sql_items, sql_text
from lakelet.etl.sail.expressions import Said
from lakelet.etl.sail.known import LARGEST
from lakelet.etl.sail.statements import bare
from lakelet.workspace.paths import Workspace

_NAME = "_lakelet_name"  # of SQL text, when it is a column by itself
_IS_BEFORE = "_lakelet_is_before"  # of a key of an order, that others come after it
_TREES = (
    "UnresolvedFunction", "CastExpression", "CaseWhen", "UnresolvedExtractValue", "WithField", "DropField",
)  # fmt: skip
_WINDOWED = frozenset({"collect_list", "collect_set"})


def install(workspace: Workspace) -> None:
    """Stand before the making of expressions, and before the actions of a script that computes with decimals."""
    from pyspark.sql.connect import expressions as made

    _refuse(made)
    _say_as_spark(made)
    _tell_keys()
    _take_views()
    _turn_around()


def _turn_around() -> None:
    """``1 + a`` and ``2 * a`` as Spark makes them, and calls them: ``a + 1``, ``a * 2``."""
    from pyspark.sql.connect.column import Column

    engine.replace(Column, "__radd__", lambda self, other: self + other)
    engine.replace(Column, "__rmul__", lambda self, other: self * other)


def _take_views() -> None:
    """Texts in Arrow's newer form, in which a union of Parquet comes, and which pyspark has no name for."""
    import pyarrow as pa
    from pyspark.sql.pandas import types as arrow

    original = arrow.from_arrow_type

    def named(at: Any, *args: Any, **options: Any) -> Any:
        plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}.get(at, at)
        return original(plain, *args, **options)

    engine.replace(arrow, "from_arrow_type", named)


def _refuse(made: Any) -> None:
    function, window, text = (
        made.UnresolvedFunction.__init__,
        made.WindowExpression.__init__,
        made.SQLExpression.__init__,
    )
    cast = made.CastExpression.__init__

    def of_function(self: Any, name: str, args: Any, *more: Any, **given: Any) -> None:
        rules.require_same(name.lower())
        if name in ("/", "%") and getattr(args[1], "_value", None) == 0:
            raise engine.otherwise("A division by the literal 0", "it has no type")
        decimals.watch(name, args)
        function(self, name, args, *more, **given)

    def of_window(self: Any, windowFunction: Any, windowSpec: Any) -> None:
        name = getattr(windowFunction, "_name", "")
        if name in _WINDOWED:
            raise engine.otherwise(f"{name} over a window", "it takes nulls too")
        window(self, windowFunction, windowSpec)

    def of_cast(self: Any, expr: Any, data_type: Any, *mode: Any, **given: Any) -> None:
        decimals.watch_type(data_type)
        cast(self, expr, data_type, *mode, **given)

    def of_text(self: Any, expr: str) -> None:
        text(self, as_spark(expr))
        setattr(self, names.SAID, expr)
        unknown = names.note(expr)
        setattr(self, _NAME, expr if unknown else sql_items.name_of(expr) if self._expr != expr else None)

    engine.replace(made.UnresolvedFunction, "__init__", of_function)
    engine.replace(made.WindowExpression, "__init__", of_window)
    engine.replace(made.SQLExpression, "__init__", of_text)
    engine.replace(made.CastExpression, "__init__", of_cast)


def as_spark(text: str) -> str:
    """SQL for Sail, for its answer to be Spark's. Raises UnsupportedError, now or before an action."""
    decimals.watch_text(bare(text))
    functions.note_text(text)
    return sql_text.as_spark(text)


def _say_as_spark(made: Any) -> None:
    """Have the outermost expression of a tree plan what ``Said`` makes of the tree, by the name that Spark gives it."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    window, order, text = made.WindowExpression.to_plan, made.SortOrder.to_plan, made.SQLExpression.to_plan
    is_planned: ContextVar[bool | None] = ContextVar("is_planned", default=None)  # None: by no part of a tree

    class Apart(made.Expression):  # type: ignore[misc]
        """A part of a tree that is planned as it stands, or as an outermost one."""

        def __init__(self, value: Any, planned: bool) -> None:
            super().__init__()
            self._value, self._planned = value, planned

        def to_plan(self, session: Any) -> Any:
            before = is_planned.set(self._planned)
            try:
                return self._value.to_plan(session)
            finally:
                is_planned.reset(before)

        def __repr__(self) -> str:
            return str(self._value)

    def outermost(original: Any) -> Any:
        def to_plan(self: Any, session: Any) -> Any:
            if is_planned.get():
                return original(self, session)
            said = Said(made, lambda part: Apart(part, False))
            value = said.of(self)
            if (said.changed or names.is_otherwise(made, self)) and (name := names.name_of(made, self)):
                value = made.ColumnAlias(value, [name], None)
            try:
                return Apart(value, True).to_plan(session)
            except DecodeError:  # what is 100 messages deep
                raise engine.refused("An expression that is nested as deeply as this") from None

        return to_plan

    def of_window(self: Any, session: Any) -> Any:
        said, moves = Said(made, lambda part: Apart(part, False)), _moves(self._windowSpec)
        if moves and (kept := said.kept(self)) is not None:
            planned = Apart(kept, True).to_plan(session)
            return planned if is_planned.get() is not None else named(self, planned, names.name_of(made, self))
        own = copy.copy(self)  # whose function cannot have a name, and whose partitions and order are for themselves
        keys = Said(made, lambda part: Apart(part, False), LARGEST)  # in which Sail takes no lambda that may fail
        own._windowSpec = copy.copy(self._windowSpec)
        own._windowSpec._partitionSpec = [Apart(keys.key(keys.of(one)), True) for one in own._windowSpec._partitionSpec]
        own._windowSpec._orderSpec = [ordered_by(one, keys) for one in own._windowSpec._orderSpec]
        own._windowFunction = Apart(said.over(self._windowFunction, moves=moves), True)
        of_a_tree = is_planned.get() is not None
        before = is_planned.set(False)
        try:
            planned = window(own, session)
        finally:
            is_planned.reset(before)
        return planned if of_a_tree else named(self, planned, names.name_of(made, self))

    def of_text(self: Any, session: Any) -> Any:
        planned, name = text(self, session), getattr(self, _NAME, None)
        return planned if name is None or is_planned.get() is not None else named(self, planned, name)

    def ordered_by(one: Any, said: Said) -> Any:
        own = copy.copy(one)
        own._child = Apart(said.key(said.ordered(one._child)), True)
        return own

    def named(value: Any, planned: Any, name: Any) -> Any:
        made_of = value._create_proto_expression()
        made_of.alias.expr.CopyFrom(planned)
        made_of.alias.name.append(name)
        return made_of

    def of_order(self: Any, session: Any) -> Any:
        own = copy.copy(self)
        said = Said(made, lambda part: Apart(part, False))
        value = said.ordered(self._child)
        own._child = Apart(said.key(value) if getattr(self, _IS_BEFORE, False) else value, True)
        return order(own, session)

    engine.replace(made.SortOrder, "to_plan", of_order)
    for kind in (getattr(made, name) for name in _TREES):
        engine.replace(kind, "to_plan", outermost(kind.to_plan))
    engine.replace(made.WindowExpression, "to_plan", of_window)
    engine.replace(made.SQLExpression, "to_plan", of_text)


def _tell_keys() -> None:
    """Have the keys of an order know whether others come after them."""
    from pyspark.sql.connect.plan import Sort

    original = Sort.plan

    def plan(self: Any, session: Any) -> Any:
        own = copy.copy(self)
        keys = [_of_groups(one, self._child) for one in self.columns]
        own.columns = [*map(_before_others, keys[:-1]), *keys[-1:]]
        return original(own, session)

    engine.replace(Sort, "plan", plan)


def _of_groups(key: Any, child: Any) -> Any:
    """A key of an order; by its name, if it is what groups are made by, which Sail does not find again by a rule."""
    from pyspark.sql.connect import expressions as made

    for one in child._grouping_cols if type(child).__name__ == "Aggregate" else ():
        said = Said(made, lambda part: part)
        if repr(one._expr) == repr(key._expr._child) and said.of(one._expr) is not one._expr and said.changed:
            own = copy.copy(key)
            own._expr = copy.copy(key._expr)
            own._expr._child = made.ColumnReference(quoted(str(names.name_of(made, one._expr))))
            return own
    return key


def _before_others(key: Any) -> Any:
    own = copy.copy(key)
    own._expr = copy.copy(key._expr)
    setattr(own._expr, _IS_BEFORE, True)
    return own


def _moves(window: Any) -> bool:
    """Whether the frame of a window leaves rows behind."""
    from pyspark.sql.window import Window

    frame = window._frame
    return frame is not None and not (isinstance(frame._start, int) and frame._start <= Window.unboundedPreceding)

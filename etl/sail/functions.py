"""Python functions on Sail, as Spark's workers call them. A struct that is null reaches a plain function as a struct of
nulls, and leaves an Arrow function as one of zeroes and empty texts: so functions go by Arrow row by row, and those
that return structs by columns of Arrow, which are read and made here.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyspark.sql import types as T

from lakelet.etl.sail import calls, engine, names, rules, texts
from lakelet.etl.sail.null_structs import filled
from lakelet.etl.sail.pickled import as_called
from lakelet.etl.sail.udf_results import EXACT, AsSpark
from lakelet.workspace.paths import Workspace

RULED = frozenset((*rules.REFUSED, *rules.ARGUMENTS, *calls.CALLS, *rules.EXTREMES, *texts.RULED, "/"))
ARROW = "spark.sql.execution.pythonUDF.arrow.enabled"
_BY_COLUMNS, _HANDED_ON = "_lakelet_by_columns", "_lakelet_handed_on"  # of calls, and the functions that they call
_registered: set[str] = set()  # functions for SQL, and those that a text has named: Sail looks for them later
_spoken_of: set[str] = set()
_Function = Callable[..., Any]


@dataclass(frozen=True)
class ByArrow:
    """A function whose results are Arrow's, as its script asks for: they are taken as they are."""

    function: _Function
    _lakelet_exact = True  # etl.sail.udf_results

    @property
    def __name__(self) -> str:
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self.function(*args, **named)


@dataclass(frozen=True)
class ByColumns:
    """What the Python workers run over columns of Arrow: a function of rows that returns a type with structs in it."""

    function: _Function
    kind: T.DataType

    def __call__(self, *columns: Any, **named: Any) -> Any:
        import pyarrow as pa
        from pyspark.sql.conversion import LocalDataToArrowConversion
        from pyspark.sql.pandas.types import to_arrow_type

        if not columns and not named:  # whose length would be that of the result
            raise engine.refused("A call without arguments of a Python function that takes some and returns structs")
        made_of = LocalDataToArrowConversion._create_converter(self.kind, nullable=True)
        names = tuple(named)
        made = []
        for row in zip(*map(_values, (*columns, *named.values())), strict=True):
            by_name = dict(zip(names, row[len(columns) :], strict=True))
            made.append(made_of(self.function(*row[: len(columns)], **by_name)))
        kind = to_arrow_type(self.kind)
        try:
            return filled(pa.array(made, kind))
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            if not isinstance(self.function, ByArrow):
                raise
            return filled(pa.array(made).cast(kind))  # as Arrow casts


def _values(column: Any) -> list[Any]:
    """A column of Arrow as Spark's workers have its values."""
    from pyspark.sql.conversion import ArrowTableToRowsConversion
    from pyspark.sql.pandas.types import from_arrow_type

    kind = from_arrow_type(column.type, prefer_timestamp_ntz=True)
    of_arrow = ArrowTableToRowsConversion._create_converter(kind, none_on_identity=True, binary_as_bytes=True)
    values = column.to_pylist()
    return values if of_arrow is None else list(map(of_arrow, values))


def install(workspace: Workspace) -> None:
    """Stand before the making of functions, and before what is sent to Sail of them, but for those over batches; the
    session's :data:`ARROW` is on.
    """
    from pyspark.sql.connect import functions, udf
    from pyspark.sql.connect.client import SparkConnectClient
    from pyspark.sql.connect.expressions import CommonInlineUserDefinedFunction, PythonUDF
    from pyspark.sql.connect.functions import builtin
    from pyspark.util import PythonEvalType

    _registered.clear()
    _spoken_of.clear()
    create, by_name, register = udf._create_py_udf, builtin.call_function, SparkConnectClient.register_udf
    by_row = PythonEvalType.SQL_BATCHED_UDF
    function_plan, call_plan = PythonUDF.to_plan, CommonInlineUserDefinedFunction.to_plan

    def created(f: Any, returnType: Any, useArrow: bool | None = None) -> Any:
        return create(ByArrow(f) if useArrow else f, returnType, useArrow)

    def call_function(funcName: str, *cols: Any) -> Any:
        """One of Spark's by its name, as by its own function: rules are for those."""
        if funcName.lower() in RULED:
            return builtin._invoke_function(funcName.lower(), *map(builtin._to_col, cols))
        return by_name(funcName, *cols)

    for module in (functions, builtin):
        engine.replace(module, "call_function", call_function)
    for module in (udf, builtin):
        if hasattr(module, "_create_py_udf"):
            engine.replace(module, "_create_py_udf", created)
    engine.replace(PythonUDF, "to_plan", lambda self, session: function_plan(_as_spark(self), session))

    def planned(call: Any, session: Any) -> Any:
        names.note_call(call)
        return call_plan(_called(call), session)

    def registered(client: Any, function: Any, kind: Any, name: Any = None, form: int = by_row, *known: bool) -> Any:
        """A function for SQL; one that takes nothing has another value for each row."""
        if name in _spoken_of:
            raise engine.refused(f"Registering the function {name} anew, which SQL has named,")
        _registered.add(str(name))
        return register(client, function, kind, name, form, all(known) and _takes_any(function))

    engine.replace(CommonInlineUserDefinedFunction, "to_plan", planned)
    engine.replace(SparkConnectClient, "register_udf", registered)


def names_one(text: str) -> bool:
    """Whether a registered function is named in a text."""
    return any(name in text for name in _registered)


def note_text(text: str) -> None:
    """Take note of the registered functions that SQL names."""
    _spoken_of.update(name for name in _registered if name in text)


def _as_spark(function: Any) -> Any:
    """A function as it is sent to Sail."""
    from pyspark.util import PythonEvalType

    own, told = copy.copy(function), function._output_type
    own._func = as_called(function)
    if not _by_row(function):
        return own
    own._output_type = T.DataType.fromDDL(told.data_type_string) if hasattr(told, "data_type_string") else told
    if not _is_exact(function):
        own._func = AsSpark(own._func, own._output_type, getattr(function, _HANDED_ON, False))
    if _has_structs(own._output_type):
        if getattr(function, _BY_COLUMNS, _takes_any(function._func)):
            own._eval_type, own._func = PythonEvalType.SQL_SCALAR_ARROW_UDF, ByColumns(own._func, own._output_type)
        else:
            own._eval_type = PythonEvalType.SQL_BATCHED_UDF
    return own


def _called(call: Any) -> Any:
    """A call whose function knows whether it has columns, and whether Spark's workers hand what it returns to another
    function as it is, which is so where it is its one argument. Of no columns Sail would compute it once for all rows.
    """
    own = copy.copy(call)
    if _by_row(call._function):
        own._function = copy.copy(call._function)
        vars(own._function).update({_BY_COLUMNS: bool(call._arguments), _HANDED_ON: getattr(call, _HANDED_ON, False)})
        if len(call._arguments) == 1 and not _is_exact(call._function):
            own._arguments = [_handed_on(call._arguments[0], type(call))]
    if not any(map(_has_columns, call._arguments)):
        own._deterministic, own._arguments = False, [*map(_of_each_row, own._arguments)]
    return own


def _has_columns(value: Any) -> bool:
    from pyspark.sql.connect.expressions import ColumnReference, SQLExpression

    return isinstance(value, ColumnReference | SQLExpression) or any(map(_has_columns, value.children))


def _of_each_row(value: Any) -> Any:
    """A value that is the same in all rows, as one that Sail does not know to be."""
    from pyspark.sql.connect import expressions as made

    if isinstance(value, made.NamedArgumentExpression):
        return made.NamedArgumentExpression(value._key, _of_each_row(value._value))
    by_chance = made.UnresolvedFunction(">=", [made.UnresolvedFunction("rand", [_literal(0)]), _literal(0.0)])
    return made.ColumnAlias(
        made.CaseWhen([(by_chance, value)], value), [names.name_of(made, value) or str(value)], None
    )


def _literal(value: Any) -> Any:
    from pyspark.sql.connect.expressions import LiteralExpression

    return LiteralExpression._from_value(value)


def _handed_on(argument: Any, calls: type) -> Any:
    from pyspark.sql.connect.expressions import ColumnAlias

    own = copy.copy(argument)
    if isinstance(own, ColumnAlias):
        own._child = _handed_on(own._child, calls)
    elif isinstance(own, calls) and _by_row(own._function) and not _is_exact(own._function):  # type: ignore[attr-defined]
        setattr(own, _HANDED_ON, True)
    return own


def _is_exact(function: Any) -> bool:
    return bool(getattr(function._func, EXACT, False))


def _by_row(function: Any) -> bool:
    """Whether it is a function of Python over rows, and not over batches."""
    from pyspark.util import PythonEvalType

    by_row = (PythonEvalType.SQL_BATCHED_UDF, PythonEvalType.SQL_ARROW_BATCHED_UDF)
    return getattr(function, "_eval_type", None) in by_row


def _takes_any(function: _Function) -> bool:
    """Whether it may be called with columns, which tell how many rows there are."""
    try:
        return bool(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # of what is written in C
        return True


def _has_structs(kind: T.DataType) -> bool:
    if isinstance(kind, T.ArrayType):
        return _has_structs(kind.elementType)
    if isinstance(kind, T.MapType):
        return _has_structs(kind.keyType) or _has_structs(kind.valueType)
    return isinstance(kind, T.StructType)

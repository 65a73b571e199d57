"""Python functions on Sail. A struct that is null reaches a plain function as a struct of nulls, and leaves an Arrow
function as one of zeroes and empty texts: so functions go by Arrow, but for those that return structs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from etl.sail import calls, engine, rules
from workspace.paths import Workspace

RULED = frozenset((*rules.REFUSED, *rules.ARGUMENTS, *calls.CALLS, *rules.EXTREMES, "/"))
ARROW = "spark.sql.execution.pythonUDF.arrow.enabled"


@dataclass(frozen=True)
class ByArrow:
    """A function whose results are Arrow's, as its script asks for: they are taken as they are."""

    function: Callable[..., Any]
    _lakelet_exact = True  # etl.sail.udf_results

    @property
    def __name__(self) -> str:
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self.function(*args, **named)


def install(workspace: Workspace) -> None:
    """Stand before the making of functions; the session's :data:`ARROW` is on."""
    from pyspark.sql.connect import functions, udf
    from pyspark.sql.connect.functions import builtin

    original = udf._create_py_udf

    def create(f: Any, returnType: Any, useArrow: bool | None = None) -> Any:
        named = returnType if isinstance(returnType, str) else returnType.simpleString()
        if useArrow:
            f = ByArrow(f)
        if "struct" in named.lower() or ("," in named and "(" not in named):  # `a int, b int` is a struct as well
            useArrow = False if useArrow is None else useArrow
        return original(f, returnType, useArrow)

    by_name = builtin.call_function

    def call_function(funcName: str, *cols: Any) -> Any:
        """One of Spark's by its name, as by its own function: rules are for those."""
        if funcName.lower() in RULED:
            return builtin._invoke_function(funcName.lower(), *map(builtin._to_col, cols))
        return by_name(funcName, *cols)

    for module in (functions, builtin):
        engine.replace(module, "call_function", call_function)
    for module in (udf, builtin):
        if hasattr(module, "_create_py_udf"):
            engine.replace(module, "_create_py_udf", create)

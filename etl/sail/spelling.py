"""Columns that methods of data frames take by name: in another case they are found by Spark and not by Sail, or only
by Sail.
"""

from __future__ import annotations

import math
from typing import Any

from pyspark._globals import _NoValue
from pyspark.sql import types as T

from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

_FRACTIONS = ("double", "float")
_WHOLE = ("tinyint", "smallint", "int", "bigint")


def install(workspace: Workspace) -> None:
    """Stand before what data frames take names for."""
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.types import verify_col_name

    rename: Any = DataFrame.withColumnRenamed
    rename_all: Any = DataFrame.withColumnsRenamed
    replace: Any = DataFrame.replace
    unpivot: Any = DataFrame.unpivot
    get: Any = DataFrame.__getitem__

    def withColumnRenamed(self: Any, existing: str, new: str) -> Any:
        own = own_name(self, existing)
        return _known(rename(self, own, new), self, own, new)

    def withColumnsRenamed(self: Any, colsMap: dict[str, str]) -> Any:
        return rename_all(self, {own_name(self, existing): new for existing, new in colsMap.items()})

    def replaced(self: Any, to_replace: Any, value: Any = _NoValue, subset: Any = None) -> Any:
        like = _of_like_columns(self, to_replace, subset)
        return self if like == [] else replace(self, to_replace, value, like)

    def unpivoted(self: Any, ids: Any, values: Any, *args: Any, **options: Any) -> Any:
        for given in (ids, values):
            _require_exact(self, given if isinstance(given, list | tuple) else [given], "unpivot")
        return unpivot(self, ids, values, *args, **options)

    def item(self: Any, item: Any) -> Any:
        """A column, which is looked for at once, for scripts find out so whether there is one."""
        if isinstance(item, str) and item != "*" and not verify_col_name(item, self._schema):
            _ = self.select(item).schema
        return get(self, item)

    engine.replace(DataFrame, "__getitem__", item)
    for made in (withColumnRenamed, withColumnsRenamed):
        engine.replace(DataFrame, made.__name__, made)
    for name, method in {"replace": replaced, "unpivot": unpivoted, "melt": unpivoted}.items():
        engine.replace(DataFrame, name, method)


def own_name(rows: Any, name: str) -> str:
    """A column's name as a data frame has it; the name itself, if it has none of that name in any case."""
    columns = rows.columns
    return name if name in columns else next((one for one in columns if one.lower() == name.lower()), name)


def _known(made: Any, rows: Any, own: str, new: str) -> Any:
    """Rows with a new name, whose schema need not be asked for: scripts rename hundreds of columns one by one."""
    fields = [T.StructField(new if f.name == own else f.name, f.dataType, f.nullable, f.metadata) for f in rows.schema]
    made._cached_schema = T.StructType(fields)
    return made


def _require_exact(rows: Any, names: Any, method: str) -> None:
    for name in names:
        if isinstance(name, str) and name != (own := own_name(rows, name)):
            raise engine.otherwise(f"The name {name} in {method}", f"the column is {own}")


def _of_like_columns(rows: Any, to_replace: Any, subset: Any) -> Any:
    """The columns in which values may be replaced: fractions are in none of whole numbers, where Sail cuts them, and
    NaN and infinity in those of doubles and floats alone: Sail fails on them in decimals."""
    names = [subset] if isinstance(subset, str) else list(subset or rows.columns)
    _require_exact(rows, names, "replace")
    sought = list(to_replace) if isinstance(to_replace, list | tuple | dict) else [to_replace]
    fractions = [isinstance(one, float) and not one.is_integer() for one in sought]
    kinds = {name: kind for name, kind in rows.dtypes if name in names}
    if sought and all(isinstance(one, float) and not math.isfinite(one) for one in sought):
        return [name for name in names if kinds.get(name) in (None, *_FRACTIONS)]
    whole = {name for name, kind in kinds.items() if kind in _WHOLE}
    if not whole or not any(fractions):
        return subset
    if not all(fractions):
        raise engine.otherwise(f"The replacement of fractions in {min(whole)}", "they are cut to whole numbers")
    return [name for name in names if name not in whole]

"""Names in another case than a data frame's, which Spark finds and Sail takes for other ones, or the reverse."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from etl.sail import engine
from workspace.paths import Workspace

_WHOLE = ("tinyint", "smallint", "int", "bigint")


def install(workspace: Workspace) -> None:
    """Stand before what data frames and their catalog take names for."""
    from pyspark.sql.connect.catalog import Catalog
    from pyspark.sql.connect.dataframe import DataFrame

    rename, rename_all, join, replace, unpivot = (
        getattr(DataFrame, name)
        for name in ("withColumnRenamed", "withColumnsRenamed", "join", "replace", "unpivot")
    )  # fmt: skip

    def renamed(self: Any, existing: str, new: str) -> Any:
        return rename(self, _own(self, existing), new)

    def all_renamed(self: Any, colsMap: dict[str, str]) -> Any:
        return rename_all(self, {_own(self, existing): new for existing, new in colsMap.items()})

    def joined(self: Any, other: Any, on: Any = None, how: str | None = None) -> Any:
        if isinstance(on, str):
            on = _own(self, on)
        elif isinstance(on, list | tuple) and on and all(isinstance(one, str) for one in on):
            on = [_own(self, one) for one in on]
        return join(self, other, on, how)

    def replaced(self: Any, to_replace: Any, *args: Any, **options: Any) -> Any:
        subset = options.get("subset", args[1] if len(args) > 1 else None)
        _require_like(self, to_replace, subset)
        return replace(self, to_replace, *args, **options)

    def unpivoted(self: Any, ids: Any, *args: Any, **options: Any) -> Any:
        _require_exact(self, [ids] if isinstance(ids, str) else ids or [], "unpivot")
        return unpivot(self, ids, *args, **options)

    own = {"withColumnRenamed": renamed, "withColumnsRenamed": all_renamed, "join": joined, "replace": replaced}
    for name, made in own.items():
        engine.replace(DataFrame, name, made)
    for name in ("unpivot", "melt"):
        engine.replace(DataFrame, name, unpivoted)
    engine.replace(DataFrame, "isLocal", _refusing("DataFrame.isLocal"))
    engine.replace(DataFrame, "storageLevel", property(_refusing("DataFrame.storageLevel")))
    for name in ("dropTempView", "dropGlobalTempView"):
        engine.replace(Catalog, name, _or_false(getattr(Catalog, name)))


def _own(rows: Any, name: str) -> str:
    """A name as the data frame has it."""
    columns = rows.columns
    return name if name in columns else next((one for one in columns if one.lower() == name.lower()), name)


def _require_exact(rows: Any, names: Any, method: str) -> None:
    for name in names:
        if isinstance(name, str) and name != (own := _own(rows, name)):
            raise engine.otherwise(f"The name {name} in {method}", f"the column is {own}")


def _require_like(rows: Any, to_replace: Any, subset: Any) -> None:
    """Refuse the replacement of fractions in whole numbers, which Sail cuts before it looks for them."""
    names = [subset] if isinstance(subset, str) else subset or rows.columns
    _require_exact(rows, names, "replace")
    sought = list(to_replace) if isinstance(to_replace, list | tuple | dict) else [to_replace]
    whole = {name for name, kind in rows.dtypes if kind in _WHOLE}.intersection(names)
    if whole and any(isinstance(one, float) and not one.is_integer() for one in sought):
        raise engine.otherwise(f"The replacement of fractions in {min(whole)}", "they are cut to whole numbers")


def _or_false(original: Any) -> Callable[..., bool]:
    """Whether a view was dropped: one that is not there is none."""
    from pyspark.errors import AnalysisException

    def drop(self: Any, viewName: str) -> bool:
        with contextlib.suppress(AnalysisException):
            return bool(original(self, viewName))
        return False

    return drop


def _refusing(what: str) -> Any:
    def refuse(*_: Any, **__: Any) -> Any:
        raise engine.refused(what)

    return refuse

"""What all transforms share: thresholds, the name of the new frame, and that class and method are one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import types as T

import awsglue.transforms as t
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from lakelet.etl.delimited_source import ERROR
from lakelet.etl.errors import ErrorThresholdError
from tests.spark import values

# Of each transform: the method and the class, and the arguments of both but for the frame.
CASES: dict[str, tuple[str, type[t.GlueTransform], dict[str, Any]]] = {
    "apply_mapping": ("apply_mapping", t.ApplyMapping, {"mappings": [("id", "string", "key", "int")]}),
    "drop_fields": ("drop_fields", t.DropFields, {"paths": ["c"]}),
    "filter": ("filter", t.Filter, {"f": lambda record: record["id"] != "9"}),
    "map": ("map", t.Map, {"f": lambda record: {"id": record["id"]}}),
    "rename_field": ("rename_field", t.RenameField, {"old_name": "id", "new_name": "key"}),
    "resolveChoice": ("resolveChoice", t.ResolveChoice, {"specs": [("id", "cast:int")]}),
    "select_fields": ("select_fields", t.SelectFields, {"paths": ["id"]}),
    "simplify_ddb_json": ("simplify_ddb_json", t.Simplify_ddb_json, {}),
    "unbox": ("unbox", t.Unbox, {"path": "c", "format": "csv", "separator": "|"}),
    "unnest": ("unnest", t.UnnestFrame, {}),
    "unnest_ddb_json": ("unnest_ddb_json", t.Unnest_ddb_json, {}),
    "relationalize": ("relationalize", t.Relationalize, {"name": "root"}),
    "split_fields": ("split_fields", t.SplitFields, {"paths": ["id"], "name1": "one", "name2": "two"}),
    "split_rows": ("split_rows", t.SplitRows, {"comparison_dict": {"id": {">": "1"}}, "name1": "a", "name2": "b"}),
    "union": ("union", t.Union, {"frame2": None}),
    "join": ("join", t.Join, {"keys1": ["id"], "keys2": ["id"], "frame2": None}),
    "mergeDynamicFrame": ("mergeDynamicFrame", t.GlueTransform, {"stage_dynamic_frame": None, "primary_keys": ["id"]}),
}
METHOD_NAMES = {
    "old_name": "oldName",
    "new_name": "newName",
    "name": "root_table_name",
    "keys1": "paths1",
    "keys2": "paths2",
}


@pytest.fixture
def broken(glue: GlueContext) -> DynamicFrame:
    """Two rows, and two error records of an earlier step."""
    rows = glue.spark_session.createDataFrame([("1", "x|1"), ("2", "y|2")], "id string, c string")
    records = [((text, None, None, None),) for text in ("{", "[")]
    errors = glue.spark_session.createDataFrame(records, T.StructType([T.StructField("error", ERROR)]))
    return DynamicFrame(rows, glue, "broken").with_errors(errors)


def called(case: str, kind: str, frame: DynamicFrame) -> Callable[..., Any]:
    """The method of a frame, or the class of awsglue.transforms, with what the case gives it."""
    method, transform, given = CASES[case]
    plain = DynamicFrame(frame.raw, frame.glue_ctx, "plain")
    given = {name: plain if value is None else value for name, value in given.items()}
    if kind == "method":
        bound, named = getattr(frame, method), {METHOD_NAMES.get(name, name): value for name, value in given.items()}
        return lambda **more: bound(**named, **more)
    first = "frame1" if case in ("union", "join") else "frame"
    return lambda **more: transform.apply(**{first: frame}, **given, **more)


def both(case: str) -> list[str]:
    return ["method"] if case == "mergeDynamicFrame" else ["method", "class"]


@pytest.mark.parametrize(("case", "kind"), [(case, kind) for case in CASES for kind in both(case)])
def test_thresholds_and_names(broken: DynamicFrame, case: str, kind: str) -> None:
    call = called(case, kind, broken)
    made = call(transformation_ctx="ctx")
    frames = list(made.values()) if isinstance(made, DynamicFrameCollection) else [made]
    assert {frame.errorsCount() for frame in frames} == {2}
    if not isinstance(made, DynamicFrameCollection):
        assert made.name == "ctx"
    if (case, kind) == ("join", "class"):  # which AWS documents without thresholds
        return
    call(transformation_ctx="ctx", info="said", totalThreshold=2)
    with pytest.raises(ErrorThresholdError, match="2 error records and the threshold allows 1"):
        call(transformation_ctx="ctx", info="said", stageThreshold=5, totalThreshold=1)
    if not isinstance(made, DynamicFrameCollection):  # the errors are not of this step
        assert made.stageErrorsCount() == 0
        call(stageThreshold=1)


@pytest.mark.parametrize("case", [case for case in CASES if len(both(case)) == 2])
def test_class_and_method_are_one(broken: DynamicFrame, case: str) -> None:
    found = []
    for kind in ("method", "class"):
        made = called(case, kind, broken)()
        frames = dict(zip(made.keys(), made.values(), strict=True)) if hasattr(made, "keys") else {"": made}
        found.append({name: sorted(map(tuple, frame.toDF().collect()), key=str) for name, frame in frames.items()})
    assert found[0] == found[1]
    assert any(rows for rows in found[0].values())


def test_a_call_of_a_transform_is_its_apply(broken: DynamicFrame) -> None:
    assert values(t.SelectFields()(broken, ["id"]), "id") == values(t.SelectFields.apply(broken, ["id"]), "id")


# The parameters as AWS's pages of the transforms give them; all of ours may have more behind them.
COMMON = ("transformation_ctx", "info", "stageThreshold", "totalThreshold")
DOCUMENTED = {
    "ApplyMapping": ("frame", "mappings", *COMMON),
    "DropFields": ("frame", "paths", *COMMON),
    "DropNullFields": ("frame", *COMMON),
    "ErrorsAsDynamicFrame": ("frame",),
    "Filter": ("frame", "f", *COMMON),
    "FlatMap": ("dfc", "BaseTransform", "frame_name", "transformation_ctx"),
    "Join": ("frame1", "frame2", "keys1", "keys2", "transformation_ctx"),
    "Map": ("frame", "f", *COMMON),
    "MapToCollection": ("dfc", "BaseTransform", "frame_name", "transformation_ctx"),
    "Relationalize": ("frame", "staging_path", "name", "options", *COMMON),
    "RenameField": ("frame", "old_name", "new_name", *COMMON),
    "ResolveChoice": ("frame", "specs", "choice", *COMMON),
    "SelectFields": ("frame", "paths", *COMMON),
    "SelectFromCollection": ("dfc", "key", "transformation_ctx"),
    "Simplify_ddb_json": ("frame", *COMMON),
    "Spigot": ("frame", "path", "options", "transformation_ctx"),
    "SplitFields": ("frame", "paths", "name1", "name2", *COMMON),
    "SplitRows": ("frame", "comparison_dict", "name1", "name2", *COMMON),
    "Unbox": ("frame", "path", "format", *COMMON),
    "Union": ("frame1", "frame2", *COMMON),
    "UnnestFrame": ("frame", *COMMON),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_parameters_are_in_the_documented_order(name: str) -> None:
    transform: type[t.GlueTransform] = getattr(t, name)
    ours = [one for one in inspect.signature(transform.__call__).parameters if one != "self"]
    assert tuple(ours[: len(DOCUMENTED[name])]) == DOCUMENTED[name]
    assert [one["name"] for one in transform.describeArgs()] == ours
    defaults = {one["name"]: one["defaultValue"] for one in transform.describeArgs()}
    assert all(defaults.get(one, 0) == 0 for one in ("stageThreshold", "totalThreshold"))

"""A document's values as its index's mapping has them (etl/opensearch_values.py)."""

from __future__ import annotations

from typing import Any

import pytest

from lakelet.etl.opensearch_values import fitted, kinds_of

ISO = "strict_date_optional_time||epoch_millis"


def fit(value: Any, kind: str, arrays: str = "", **more: Any) -> Any:
    kinds = kinds_of({"f": {"type": kind, **more}}, {arrays})
    return fitted({"f": value}, kinds)["f"]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("long", "12", 12), ("byte", 12.9, 12), ("integer", "-5.7", -5), ("unsigned_long", str(2**64 - 1), 2**64 - 1),
        ("long", "9007199254740993", 9007199254740993), ("long", "1e3", 1000), ("long", "1_0", "1_0"),
        ("long", "", ""), ("long", "1e999999", "1e999999"), ("long", True, True), ("short", [None, "7"], [None, 7]),
        ("float", "2.5", 2.5), ("half_float", 3, 3), ("double", "nan", "nan"), ("scaled_float", "1e2", 100.0),
        ("boolean", "true", True), ("boolean", "false", False), ("boolean", "", False), ("boolean", "yes", "yes"),
        ("keyword", 5, 5), ("geo_point", {"lat": "1"}, {"lat": "1"}), ("long", None, None),
    ],
)  # fmt: skip
def test_values_are_of_their_fields_type(kind: str, value: Any, expected: Any) -> None:
    found = fit(value, kind)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("format", "value", "expected"),
    [
        ("yyyy/MM/dd", "2024/01/02", "2024-01-02T00:00:00+00:00"),
        ("basic_date", 20240102, "2024-01-02T00:00:00+00:00"),
        ("strict_basic_date_time", "20240102T030405.678+0200", "2024-01-02T03:04:05.678000+02:00"),
        ("dd/MMM/yyyy:HH:mm:ss Z", "02/Jan/2024:03:04:05 -0130", "2024-01-02T03:04:05-01:30"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSSSSSSSXXX", "2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05.123456+00:00"),
        ("d.M.uuuu||epoch_millis", "2.1.2024", "2024-01-02T00:00:00+00:00"),
        ("d.M.uuuu||epoch_millis", 1704164645678, "2024-01-02T03:04:05.678000+00:00"),
        ("epoch_second", "1704164645", "2024-01-02T03:04:05+00:00"), ("HH:mm", "03:04", "1970-01-01T03:04:00+00:00"),
        ("yyyy", 2024, "2024-01-01T00:00:00+00:00"), (ISO, 2024, "2024"),
        (ISO, "20240", "1970-01-01T00:00:20.240000+00:00"),
        (ISO, "2024-01-02T03:04:05.678+02:00", "2024-01-02T03:04:05.678+02:00"),
        (ISO, 1 << 60, f"{1 << 60} is not read by {ISO}"),
        ("dd/MM/yyyy", "99/01/2024", "99/01/2024 is not read by dd/MM/yyyy"),
        ("yyyy-ww", "2024-03", "2024-03 is not read by yyyy-ww"), ("epoch_millis", True, True),
    ],
)  # fmt: skip
def test_dates_are_read_by_their_formats(format: str, value: Any, expected: Any) -> None:
    assert fit(value, "date", format=format) == expected


def test_one_value_is_a_list_of_one_where_lists_are() -> None:
    assert fit("3", "long", arrays="f") == [3] and fit(["3", 4], "long", arrays="f") == [3, 4]
    assert fit({"a": 1}, "nested", properties={"a": {"type": "long"}}) == [{"a": 1}]
    assert fit([{"a": "1"}], "nested", properties={"a": {"type": "long"}}) == [{"a": 1}]
    assert fit("x", "keyword", arrays="f") == ["x"] and fit(None, "keyword", arrays="f") is None


def test_dots_in_names_are_objects() -> None:
    inner = {"properties": {"c": {"type": "long"}}}
    kinds = kinds_of({"a": {"properties": {"b": inner, "d": {"type": "keyword"}}}, "n": {"type": "long"}}, {"a.d"})
    assert fitted({"a.b.c": "1", "a.d": "x", "n": 2}, kinds) == {"a": {"b": {"c": 1}, "d": ["x"]}, "n": 2}
    assert fitted({"a": {"b.c": "1"}, "a.d": ["x"]}, kinds) == {"a": {"b": {"c": 1}, "d": ["x"]}}
    assert fitted({"n.x": 1}, kinds) == {"n.x": 1}

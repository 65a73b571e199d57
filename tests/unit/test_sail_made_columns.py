"""Expressions as columns of the rows below (etl/sail/made_columns.py): what changes in a plan. What comes of it on both
engines is in tests/compared_idioms.py."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql.connect.proto import Plan

from lakelet.etl.sail.again import asked_again
from lakelet.etl.sail.made_columns import conditions_in_columns, grown_ones_stay, keys_in_columns


def windowed(kind: str, *keys: str, star: bool = False) -> Any:
    """A plan of a window over rows of a table, by texts of SQL and names of columns."""
    plan = Plan()
    node = getattr(plan.root, kind)
    node.input.read.named_table.unparsed_identifier = "t"
    if kind == "project":
        one = node.expressions.add()
        if star:
            node.expressions.add().unresolved_star.SetInParent()
    else:
        one = node.aliases.add().expr
    one.window.window_function.unresolved_function.function_name = "row_number"
    for at, key in enumerate(keys):
        said = one.window.partition_spec.add() if at == 0 else one.window.order_spec.add().child
        if key.isidentifier():
            said.unresolved_attribute.unparsed_identifier = key
        else:
            said.expression_string.expression = key
    return plan


@pytest.mark.parametrize("kind", ["project", "with_columns"])
def test_keys_that_are_columns_stay_as_they_are(kind: str) -> None:
    plan = windowed(kind, "a", "b")
    assert keys_in_columns(plan) is plan


@pytest.mark.parametrize(("kind", "star"), [("project", False), ("project", True), ("with_columns", False)])
def test_keys_are_columns_below_the_window(kind: str, star: bool) -> None:
    plan = windowed(kind, "a", "b > 1", "c", "d + 1", "b > 1", star=star)
    before = plan.SerializeToString()
    own = keys_in_columns(plan)
    assert plan.SerializeToString() == before
    drops = star or kind == "with_columns"
    assert own.root.WhichOneof("rel_type") == ("drop" if drops else kind)
    node = getattr(own.root.drop.input if drops else own.root, kind)
    one = node.expressions[0] if kind == "project" else node.aliases[0].expr
    below = node.input.with_columns
    made = {alias.name[0]: alias.expr.expression_string.expression for alias in below.aliases}
    assert list(made.values()) == ["b > 1", "d + 1"] and below.input.read.named_table.unparsed_identifier == "t"
    keys = [said.child.unresolved_attribute.unparsed_identifier for said in one.window.order_spec]
    first, second = made  # what is said twice is one
    assert keys == [first, "c", second, first]
    assert not drops or list(own.root.drop.column_names) == [first, second]
    assert keys_in_columns(own) is own


def test_a_condition_with_a_lambda_is_a_column_below() -> None:
    plan = Plan()
    plan.root.filter.input.read.named_table.unparsed_identifier = "t"
    plan.root.filter.condition.expression_string.expression = "a > 1"
    assert conditions_in_columns(plan) is plan
    plan.root.filter.condition.expression_string.expression = "exists(a, x -> x > 1)"
    own = conditions_in_columns(plan)
    filtered = own.root.drop.input.filter
    (made,) = filtered.input.with_columns.aliases
    assert filtered.condition.unresolved_attribute.unparsed_identifier == made.name[0]
    assert list(own.root.drop.column_names) == list(made.name)
    assert made.expr.expression_string.expression == "CASE WHEN rand(0) >= 0D THEN exists(a, x -> x > 1) END"
    assert conditions_in_columns(own) is own


def test_a_column_with_a_lambda_stays() -> None:
    plan = Plan()
    projected = plan.root.filter.input.project
    projected.input.read.named_table.unparsed_identifier = "t"
    for text in ("filter(a, x -> x > 1) AS f", "filter(a, x -> x > 1)[0] `f g`", "filter(a, x -> x > 1)",
                 "explode(filter(a, x -> x > 1)) AS e"):  # fmt: skip
        projected.expressions.add().expression_string.expression = text
    call = projected.expressions.add().alias
    call.name.append("g")
    call.expr.unresolved_function.function_name = "transform"
    call.expr.unresolved_function.arguments.add().unresolved_attribute.unparsed_identifier = "a"
    call.expr.unresolved_function.arguments.add().lambda_function.function.literal.integer = 1
    plan.root.filter.condition.expression_string.expression = "size(f) > 1"
    own = conditions_in_columns(plan)
    *texts, made = own.root.filter.input.project.expressions
    assert [one.expression_string.expression for one in texts] == [
        "CASE WHEN rand(0) >= 0D THEN filter(a, x -> x > 1) END AS f",
        "CASE WHEN rand(0) >= 0D THEN filter(a, x -> x > 1)[0] END `f g`",
        "filter(a, x -> x > 1)",
        "explode(filter(a, x -> x > 1)) AS e",
    ]
    chance, then = made.alias.expr.unresolved_function.arguments
    assert "rand" in str(chance) and then == call.expr
    assert conditions_in_columns(own) is own


def test_columns_that_grow_stay() -> None:
    plan = Plan()
    relation = plan.root
    for _ in range(12):
        alias = relation.with_columns.aliases.add()
        alias.name.append("p")
        alias.expr.unresolved_function.function_name = "coalesce"
        for name in ("p", "p", "q"):
            alias.expr.unresolved_function.arguments.add().unresolved_attribute.unparsed_identifier = name
        relation = relation.with_columns.input
    relation.read.named_table.unparsed_identifier = "t"
    own, found = grown_ones_stay(plan), []
    relation = own.root
    while relation.HasField("with_columns"):
        found.append(relation.with_columns.aliases[0].expr.unresolved_function.function_name)
        relation = relation.with_columns.input
    assert found[::-1] == ["coalesce"] * 7 + ["when"] + ["coalesce"] * 4  # of 3, 7, 15 … 511 columns


def test_what_has_sent_rows_is_not_asked_again() -> None:
    from pyarrow import RecordBatch
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.proto import ExecutePlanRequest

    def fetch(client: list[Any], request: Any) -> Any:
        client.append(request.plan)
        if client[0] is not None:
            yield client[0]
        raise PySparkException("untold")

    def remedy(client: list[Any], plan: Any, error: Exception) -> Any:
        assert str(error) == "untold"
        return keys_in_columns(plan)

    again = asked_again(fetch, remedy)
    request = ExecutePlanRequest()
    request.plan.CopyFrom(windowed("project", "a > 1"))
    for first, times in ((RecordBatch.from_pydict({}), 1), ("metrics", 2)):
        client: list[Any] = [first]
        with pytest.raises(PySparkException):
            list(again(client, request))
        assert len(client) == 1 + times

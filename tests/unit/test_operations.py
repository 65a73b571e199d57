"""Binding: what does not fit the service's model fails when it is loaded, not when it is called."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lakelet.aws.operations import load_service
from lakelet.aws.validation import compiled_pattern
from lakelet.workspace.errors import NotImplementedException, ValidationException


def module(*functions: Callable[..., Any], name: str = "made_up") -> ModuleType:
    made = ModuleType(name)
    for function in functions:
        function.__module__ = name
        setattr(made, function.__name__, function)
    return made


def test_an_operation_is_called_with_what_was_sent() -> None:
    def get_database(name: str, catalog_id: str = "mine") -> dict[str, str]:
        return {"Database": name + catalog_id}

    operation = load_service("glue", module(get_database)).operations["GetDatabase"]
    assert operation.call({"Name": "a"}) == {"Database": "amine"}
    with pytest.raises(ValidationException, match="'name'"):
        operation.call({})


def test_strangers_fail_at_load() -> None:
    def get_coffee() -> None: ...
    def get_database(name: str, sugar: bool = False) -> None: ...
    def get_table(name: str) -> None: ...
    def get_tables(database_name: str) -> None: ...

    with pytest.raises(TypeError, match="get_coffee is no operation"):
        load_service("glue", module(get_coffee))
    with pytest.raises(TypeError, match="no member for sugar"):
        load_service("glue", module(get_database))
    with pytest.raises(TypeError, match="requires DatabaseName"):
        load_service("glue", module(get_table))
    with pytest.raises(TypeError, match="defined twice"):
        load_service("glue", [module(get_tables), module(get_tables)])


def test_what_is_not_served_is_refused_by_name() -> None:
    def get_tables(database_name: str) -> None: ...

    service = load_service("glue", module(get_tables))
    with pytest.raises(NotImplementedException, match="GetDatabase is not served"):
        service.operation("GetDatabase")
    assert service.operation("GetCoffee") is None
    with pytest.raises(NotImplementedException, match="without Expression"):
        service.operations["GetTables"].call({"DatabaseName": "d", "Expression": "x"})


def test_every_member_at_fault_is_named_by_its_path() -> None:
    def create_table(database_name: str, table_input: dict[str, Any]) -> None: ...

    columns = [{"Name": "fine"}, {"Name": "", "Parameters": {"K" * 600: "v"}}]
    sent = {"DatabaseName": "d", "TableInput": {"StorageDescriptor": {"Columns": columns, "NumberOfBuckets": 1}}}
    with pytest.raises(ValidationException) as refused:
        load_service("glue", module(create_table)).operations["CreateTable"].call(sent)
    assert str(refused.value).split(": ", 1)[0] == "3 validation errors detected"
    column = "tableInput.storageDescriptor.columns.2.member"
    for problem in (
        "Value null at 'tableInput.name' failed to satisfy constraint: Member must not be null",
        f"Value '' at '{column}.name' failed to satisfy constraint: Member must have length greater than or equal to 1",
        f"at '{column}.parameters.key' failed to satisfy constraint: Member must have length less than or equal to 255",
    ):
        assert problem in str(refused.value)


def test_every_pattern_of_the_served_services_can_be_checked() -> None:
    from lakelet.aws.services import glue, sts

    unreadable = set()

    def visit(shape: Any, seen: frozenset[str]) -> None:
        if shape is None or shape.name in seen:
            return
        pattern = shape.metadata.get("pattern")
        if pattern and compiled_pattern(pattern) is None:
            unreadable.add(pattern)
        inner = list(getattr(shape, "members", {}).values()) if shape.type_name == "structure" else []
        inner += [getattr(shape, name) for name in ("member", "key", "value") if hasattr(shape, name)]
        for one in inner:
            visit(one, seen | {shape.name})

    for service in (load_service("glue", glue), load_service("sts", sts)):
        for operation in service.operations.values():
            visit(operation.model.input_shape, frozenset())
    assert unreadable == set()


def test_the_coverage_page_is_what_is_served() -> None:
    from lakelet.aws.coverage import page, services

    written = (Path(__file__).resolve().parents[2] / "docs" / "aws-coverage.md").read_text()
    assert written == page(services()), "run: python -m lakelet.aws.coverage > docs/aws-coverage.md"


def test_every_member_has_a_class() -> None:
    from lakelet.aws.coverage import services
    from lakelet.aws.members import unclassified

    assert unclassified(services()) == []


def test_a_parameter_that_its_function_never_reads_is_in_the_table() -> None:
    from lakelet.aws.coverage import services
    from lakelet.aws.members import Effect, effect

    ignored = {
        f"{operation.model.name}.{member}"
        for service in services()
        for operation in service.operations.values()
        for member, argument in operation.arguments.items()
        if argument not in _read_names(operation.function) and effect(operation, member) is not Effect.KEPT
    }
    assert ignored == set()


def test_a_parameter_that_is_only_deleted_is_not_read() -> None:
    def get_table(name: str, database_name: str) -> str:
        del database_name
        return name

    assert _read_names(get_table) == {"name"}


def _read_names(function: Callable[..., Any]) -> set[str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(definition, ast.FunctionDef)
    inner = [node for statement in definition.body for node in ast.walk(statement)]
    return {node.id for node in inner if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def test_rows_lead_into_lists_and_name_members_that_are_there() -> None:
    from lakelet.aws.coverage import services
    from lakelet.aws.members import ROWS, Effect, Row, unclassified

    assert any(row.path == "Targets.S3Targets.EventQueueArn" for row in ROWS)
    (glue,) = (service for service in services() if service.name == "glue")
    create = glue.operations["CreateCrawler"]
    for path, there in (("Targets.S3Targets.Path", True), ("Targets.S3Targets.Sugar", False), ("Targets.Path", False)):
        assert Row("glue", "*", path, Effect.KEPT, "").of(create) is there
    assert unclassified([glue]) == [
        f"{row.operation}.{row.path}" for row in ROWS if row.service != "glue"
    ]  # those of the other services name nothing of Glue's

"""The registry's store and registration: versions stay unique when many register at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lakelet.catalog.registry import register as registering
from lakelet.catalog.registry.model import Arns, registry_name, schema_names
from lakelet.catalog.registry.register import register
from lakelet.catalog.registry.store import RegistryStore
from lakelet.workspace.errors import (
    EntityNotFoundException,
    InvalidInputException,
    ResourceNumberLimitExceededException,
)
from lakelet.workspace.state import open_state, reading, writing


@pytest.fixture
def store(database: Path | str) -> Iterator[RegistryStore]:
    engine = open_state(database)
    yield RegistryStore(engine)
    engine.dispose()


def schema(store: RegistryStore, mode: str = "NONE", name: str = "s") -> None:
    with writing(store.engine) as connection:
        registry = store.ensure_default(connection)
        store.create_schema(connection, registry, name, "AVRO", mode, None)


def fields(*names: str) -> str:
    listed = [{"name": name, "type": ["null", "int"], "default": None} for name in names]
    return json.dumps({"type": "record", "name": "R", "fields": listed})


def test_many_writers_get_numbers_of_their_own(store: RegistryStore) -> None:
    schema(store, "FULL_ALL")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: register(store, "default-registry", "s", fields(f"f{n % 12}")), range(24)))
    assert sorted({version.number for version in made}) == list(range(1, 13))
    assert len({version.id for version in made}) == 12
    with reading(store.engine) as connection:
        found = store.schema(connection, "default-registry", "s")
        assert (found.latest, found.next_version, found.checkpoint) == (12, 13, 1)


def test_what_was_decided_meanwhile_is_compared_again(store: RegistryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    schema(store, "BACKWARD")
    register(store, "default-registry", "s", '{"type":"record","name":"R","fields":[]}')
    incompatible, calls = registering.incompatible, []

    def slow(*arguments: object) -> str | None:
        if not calls:  # while the first comparison runs, somebody else registers
            calls.append(1)
            register(store, "default-registry", "s", fields("a"))
        calls.append(1)
        return incompatible(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(registering, "incompatible", slow)
    assert register(store, "default-registry", "s", fields("b")).number == 3
    assert len(calls) == 4  # the other's comparison, and this one's twice


def test_a_refused_definition_is_stored_once(store: RegistryStore) -> None:
    schema(store, "BACKWARD")
    register(store, "default-registry", "s", '"int"')
    first, second = (register(store, "default-registry", "s", '"string"') for _ in range(2))
    assert (first.number, first.status) == (2, "FAILURE")
    assert first.id == second.id
    with writing(store.engine) as connection:
        found = store.schema(connection, "default-registry", "s")
        assert (found.latest, found.next_version) == (1, 3)
        store.update_schema(connection, found, compatibility="NONE")
    again = register(store, "default-registry", "s", '"string"')
    assert (again.number, again.status) == (3, "AVAILABLE")


def test_limits(store: RegistryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    schema(store)
    monkeypatch.setattr("lakelet.catalog.registry.store.MOST_VERSIONS", 1)
    monkeypatch.setattr("lakelet.catalog.registry.store.MOST_REGISTRIES", 1)
    register(store, "default-registry", "s", '"int"')
    with pytest.raises(ResourceNumberLimitExceededException):
        register(store, "default-registry", "s", '"long"')
    with pytest.raises(ResourceNumberLimitExceededException), writing(store.engine) as connection:
        store.create_registry(connection, "r", None)


def test_deleting_a_registry_takes_everything_in_it(store: RegistryStore) -> None:
    schema(store)
    version = register(store, "default-registry", "s", '"int"')
    with writing(store.engine) as connection:
        store.put_metadata(connection, version, "k", "v")
        store.delete_registry(connection, "default-registry")
    with reading(store.engine) as connection, pytest.raises(EntityNotFoundException):
        store.version_by_id(connection, version.id)


def test_names_and_arns() -> None:
    arns = Arns("eu-west-1", "123456789012")
    assert registry_name({"RegistryArn": arns.registry("r")}) == "r"
    assert schema_names({"SchemaArn": arns.schema("r", "s")}) == ("r", "s")
    assert schema_names({"SchemaName": "s"}) == ("default-registry", "s")
    assert registry_name({}) == "default-registry"
    both = {"RegistryName": "r", "RegistryArn": arns.registry("r")}
    for wrong in (both, {"RegistryArn": arns.schema("r", "s")}, {"RegistryArn": "arn"}):
        with pytest.raises(InvalidInputException):
            registry_name(wrong)
    for bad in (
        {},
        {"SchemaArn": arns.registry("r")},
        {"SchemaArn": arns.schema("r", "s\0")},
        {"SchemaArn": arns.schema("r", "s"), "SchemaName": "other"},
    ):
        with pytest.raises(InvalidInputException):
            schema_names(bad)

"""The metadata of an Iceberg table (Apache Iceberg, "Iceberg Table Spec"): read, made and changed by PyIceberg, and as
Glue's table shows it.
"""

from __future__ import annotations

import gzip
import re
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lakelet.catalog.iceberg.types import glue_type, iceberg_schema
from lakelet.workspace.errors import InvalidInputException, NotImplementedException

if TYPE_CHECKING:
    from pyiceberg.table.metadata import TableMetadata

ICEBERG = "ICEBERG"
TABLE_TYPE, METADATA_LOCATION, PREVIOUS_METADATA_LOCATION = (
    "table_type", "metadata_location", "previous_metadata_location",
)  # fmt: skip
FIRST_PARTITION_FIELD = 1000  # as the specification numbers them
VERSIONS = ("1", "2")  # of the format that are made here

_FILE = re.compile(r"(?:v(\d+)|(\d+)-[^/]*?)(?:\.gz)?\.metadata\.json(?:\.gz)?", re.ASCII)
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
_APPLIED = (("Schema", "add-schema"), ("Schema", "set-current-schema"), ("PartitionSpec", "add-spec"),
            ("PartitionSpec", "set-default-spec"), ("SortOrder", "add-sort-order"),
            ("SortOrder", "set-default-sort-order"), ("Location", "set-location"),
            ("Properties", "set-properties"))  # fmt: skip


def version_of(location: str) -> int | None:
    """The number of a metadata file by its name (``00003-….metadata.json``, ``v3.metadata.json``), or None."""
    match = _FILE.fullmatch(location.rpartition("/")[2])
    return int(match[1] or match[2]) if match else None


def next_location(table: str, previous: str = "") -> str:
    """Where the next metadata file of a table at a location lies; the first one without a previous."""
    number = 0 if not previous else (version_of(previous) or 0) + 1
    return f"{table.rstrip('/')}/metadata/{number:05d}-{uuid.uuid4()}.metadata.json"


def read(content: bytes, location: str) -> TableMetadata:
    """Read a metadata file; raises InvalidInputException for one that is none."""
    from pyiceberg.exceptions import ValidationError
    from pyiceberg.table.metadata import TableMetadataUtil

    try:
        text = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        return TableMetadataUtil.parse_raw(text.decode())
    except (ValueError, KeyError, TypeError, EOFError, OSError, zlib.error, RecursionError, ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidInputException(f"{location} is no metadata of an Iceberg table ({reason}).") from None


def written(metadata: TableMetadata) -> bytes:
    """The content of a metadata file."""
    return metadata.model_dump_json(exclude_none=True).encode()


def new(
    location: str, columns: Sequence[Mapping[str, Any]], given: Mapping[str, Any] | None, version: str
) -> TableMetadata:
    """The metadata of a new table without rows: of ``given`` (Glue's CreateIcebergTableInput), or else of Glue columns.

    Raises InvalidInputException for what makes no table, NotImplementedException for a version of the format.
    """
    from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.table.metadata import new_table_metadata
    from pyiceberg.table.sorting import UNSORTED_SORT_ORDER, SortOrder

    if version not in VERSIONS:
        raise NotImplementedException(f"Iceberg tables are made in the versions {' and '.join(VERSIONS)}.")
    given = given or {}
    with _refusing():
        schema = _made(Schema, given["Schema"]) if "Schema" in given else iceberg_schema(columns)
        spec, order = given.get("PartitionSpec"), given.get("WriteOrder")
        return new_table_metadata(
            schema,
            UNPARTITIONED_PARTITION_SPEC if spec is None else _made(PartitionSpec, _with_numbers(spec)),
            UNSORTED_SORT_ORDER if order is None else _made(SortOrder, order),
            location.rstrip("/"),
            {**(given.get("Properties") or {}), "format-version": version},
        )


def changed(metadata: TableMetadata, updates: Sequence[Mapping[str, Any]], location: str) -> TableMetadata:
    """The metadata after Glue's IcebergTableUpdates, ``location`` being where it was read.

    An update without an Action applies all that it has. Raises InvalidInputException, NotImplementedException.
    """
    from pydantic import TypeAdapter
    from pyiceberg.table.update import TableUpdate, update_table_metadata

    adapter: TypeAdapter[Any] = TypeAdapter(TableUpdate)
    with _refusing():
        numbers = _Numbers(metadata)
        parts = [adapter.validate_python(part) for update in updates for part in _parts(update, numbers)]
        return update_table_metadata(metadata, tuple(parts), metadata_location=location)


def columns_of(metadata: TableMetadata) -> list[dict[str, Any]]:
    """Glue's columns: those of the current schema, then those that earlier ones had, marked as not current."""
    found: dict[str, dict[str, Any]] = {}
    current = metadata.schema()
    for schema in (current, *(one for one in metadata.schemas if one.schema_id != current.schema_id)):
        for field in schema.columns:
            name = field.name.lower()
            column: dict[str, Any] = {
                "Name": name,
                "Type": glue_type(field.field_type),
                "Parameters": {
                    "iceberg.field.id": str(field.field_id),
                    "iceberg.field.optional": str(field.optional).lower(),
                    "iceberg.field.current": str(schema is current).lower(),
                },
            }
            found.setdefault(name, column | ({"Comment": field.doc} if field.doc else {}))
    return list(found.values())


def definition(metadata: TableMetadata, location: str, previous: str = "") -> dict[str, Any]:
    """The members of a TableInput that say that a table is this one: its metadata file, where it lies, its columns."""
    parameters = {TABLE_TYPE: ICEBERG, METADATA_LOCATION: location}
    if previous:
        parameters[PREVIOUS_METADATA_LOCATION] = previous
    return {
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": {"Location": metadata.location, "Columns": columns_of(metadata)},
        "Parameters": parameters,
        "PartitionKeys": [],
    }


def is_iceberg(definition: Mapping[str, Any]) -> bool:
    """Whether a table of the catalog is an Iceberg table."""
    return str((definition.get("Parameters") or {}).get(TABLE_TYPE, "")).upper() == ICEBERG


class _Numbers:
    """The numbers that schemas, specs, orders and partition fields have: what is added gets the next one."""

    def __init__(self, metadata: TableMetadata) -> None:
        self._used = {
            "schema-id": {one.schema_id for one in metadata.schemas},
            "spec-id": {one.spec_id for one in metadata.partition_specs},
            "order-id": {one.order_id for one in metadata.sort_orders},
        }
        self._field = max(metadata.last_partition_id or 0, FIRST_PARTITION_FIELD - 1)

    def number(self, given: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Iceberg's structure of what is given, under a number that is free: the given one if it is."""
        made, used = _kebab(given), self._used[name]
        if made.get(name) is None or made[name] in used:
            made[name] = max(used, default=-1) + 1
        used.add(made[name])
        if name == "spec-id":
            for field in made["fields"]:
                if field.get("field-id") is None:
                    self._field += 1
                    field["field-id"] = self._field
        return dict(made)


def _parts(update: Mapping[str, Any], numbers: _Numbers) -> Iterator[dict[str, Any]]:
    """One of Glue's updates as those of Iceberg's REST catalog."""
    action = update.get("Action")
    if action in ("add-encryption-key", "remove-encryption-key"):
        raise NotImplementedException(f"Iceberg tables are updated without {action}: leave it out.")
    if action == "remove-properties":
        yield {"action": action, "removals": sorted(update.get("Properties") or ())}
        return
    for member, wanted in _APPLIED:
        if update.get(member) is None or action not in (None, wanted):
            continue
        value = update[member]
        match wanted:
            case "add-schema":
                yield {"action": wanted, "schema": numbers.number(value, "schema-id")}
            case "add-spec":
                yield {"action": wanted, "spec": numbers.number(value, "spec-id")}
            case "add-sort-order":
                yield {"action": wanted, "sort-order": numbers.number(value, "order-id")}
            case "set-location":
                yield {"action": wanted, "location": value.rstrip("/")}
            case "set-properties":
                yield {"action": wanted, "updates": value}
            case "set-current-schema":
                yield {"action": wanted, "schema-id": -1 if action is None else value.get("SchemaId", -1)}
            case "set-default-spec":
                yield {"action": wanted, "spec-id": -1 if action is None else value.get("SpecId", -1)}
            case _:
                yield {"action": wanted, "sort-order-id": -1 if action is None else value.get("OrderId", -1)}


def _made(kind: Any, given: Mapping[str, Any]) -> Any:
    return kind.model_validate(_kebab(given))


def _with_numbers(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A PartitionSpec whose fields without a number have one; a new table numbers them anew."""
    fields = spec.get("Fields") or ()
    return {**spec, "Fields": [{"FieldId": FIRST_PARTITION_FIELD + at, **one} for at, one in enumerate(fields)]}


def _kebab(value: Any) -> Any:
    """Glue's structure as Iceberg's JSON: ``SourceId`` is ``source-id``; what is a document stays as it is."""
    if isinstance(value, Mapping):
        documents = ("Type", "InitialDefault", "WriteDefault")
        return {
            _CAPITAL.sub("-", name).lower(): item if name in documents else _kebab(item) for name, item in value.items()
        }
    return [_kebab(item) for item in value] if isinstance(value, list) else value


class _refusing:
    """PyIceberg's complaints about what somebody sent, as InvalidInputException."""

    def __enter__(self) -> None:
        """Nothing is to be prepared."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from pyiceberg.exceptions import ValidationError

        if isinstance(
            error, (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, ValidationError)
        ):
            reason = " ".join(str(error).split())[:300]
            raise InvalidInputException(f"That makes no Iceberg table: {reason}") from error

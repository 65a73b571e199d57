"""AVRO definitions: read by Apache Avro's own library, and compared by its implementation of schema resolution.

The library does not check that a field's default fits its type, which the specification demands ("permitted values
depend on the field's schema type") and Glue's Java library checks: a default that no reader could use would make an
incompatible version pass, so it is checked here.
"""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

import avro.errors
import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

from lakelet.catalog.registry.errors import InvalidDefinition

_INTEGERS = {"int": 31, "long": 63}  # the number of bits beside the sign


def check(definition: str) -> str:
    """The definition in canonical form, by which equal ones are found; raises InvalidDefinition."""
    _parsed(definition)
    return json.dumps(json.loads(definition), sort_keys=True, separators=(",", ":"))


def unreadable(reader: str, writer: str) -> str | None:
    """Why what was written with ``writer`` cannot be read with ``reader``; None when it can.

    By the schema resolution of the Avro specification. Raises InvalidDefinition.
    """
    try:
        checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
        result = checker.get_compatibility(_parsed(reader), _parsed(writer))
    except RecursionError:
        return "the schemas are nested too deeply to be compared"
    if result.compatibility is SchemaCompatibilityType.compatible:
        return None
    kinds = ", ".join(sorted({kind.value.replace("_", " ") for kind in result.incompatibilities}))
    messages = "; ".join(sorted(result.messages))
    locations = ", ".join(sorted(result.locations - {"/"}) or ["/"])
    return f"{kinds} at {locations}: {messages}"


def _parsed(definition: str) -> avro.schema.Schema:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unknown logical type is ignored, as the specification says
            found = avro.schema.parse(definition)
        _check_defaults(found, set())
    except avro.errors.AvroException as error:
        raise InvalidDefinition(str(error)) from error
    except RecursionError:
        raise InvalidDefinition("it is nested too deeply") from None
    except (TypeError, ValueError, AttributeError, KeyError, AssertionError) as error:  # met in odd definitions
        raise InvalidDefinition(f"it is no Avro schema ({error})") from error
    return found


def _check_defaults(schema: avro.schema.Schema, seen: set[int]) -> None:
    if id(schema) in seen:
        return
    seen.add(id(schema))
    if isinstance(schema, avro.schema.RecordSchema):
        for field in schema.fields:
            if field.has_default and not _fits(field.type, field.default):
                raise InvalidDefinition(
                    f"the default {json.dumps(field.default)[:80]} of field {field.name} is no {field.type.type}"
                )
            _check_defaults(field.type, seen)
    elif isinstance(schema, avro.schema.UnionSchema):
        for branch in schema.schemas:
            _check_defaults(branch, seen)
    elif isinstance(schema, avro.schema.ArraySchema):
        _check_defaults(schema.items, seen)
    elif isinstance(schema, avro.schema.MapSchema):
        _check_defaults(schema.values, seen)


def _fits(schema: avro.schema.Schema, value: Any) -> bool:
    """Whether a JSON value is a default of the type (Avro 1.12 specification, "field default values")."""
    match schema.type:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "int" | "long" as kind:
            bound = 2 ** _INTEGERS[kind]
            return isinstance(value, int) and not isinstance(value, bool) and -bound <= value < bound
        case "float" | "double":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "bytes" | "fixed":
            size = getattr(schema, "size", None)
            return isinstance(value, str) and not re.search("[^\x00-\xff]", value) and size in (None, len(value))
        case "enum":
            return value in getattr(schema, "symbols", ())
        case "array" if isinstance(schema, avro.schema.ArraySchema):
            return isinstance(value, list) and all(_fits(schema.items, item) for item in value)
        case "map" if isinstance(schema, avro.schema.MapSchema):
            return isinstance(value, dict) and all(_fits(schema.values, item) for item in value.values())
        case "record" | "error" if isinstance(schema, avro.schema.RecordSchema):
            return isinstance(value, dict) and all(
                _fits(field.type, value[field.name]) if field.name in value else field.has_default
                for field in schema.fields
            )
        case "union" | "error_union" if isinstance(schema, avro.schema.UnionSchema):
            return any(_fits(branch, value) for branch in schema.schemas)  # 1.12: any branch
    return True

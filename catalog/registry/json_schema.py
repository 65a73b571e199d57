"""JSON definitions: JSON Schema draft-04, draft-06 and draft-07, the drafts that Glue takes; draft-07 when unnamed.

Validated by ``jsonschema`` against the draft's meta-schema. Compared by ``jsoncompat``: a reader can read what a writer
wrote when every document that the writer's schema allows is allowed by the reader's. The library reads draft 2020-12,
so the older keywords are rewritten first; and it takes patterns, formats and property names on trust, so those must
be the same at the same place. Both sides err towards "incompatible": what cannot be shown to fit does not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import jsonschema.validators

from lakelet.catalog.registry.errors import InvalidDefinition

Schema = Any  # a JSON object, or true or false

SECONDS = 20
_COMPARE = """
import json, resource, sys
import jsoncompat
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
try:
    fits = jsoncompat.check_compat(*json.load(sys.stdin), "deserializer")
    print("" if fits else "a document may be valid in the one schema and not in the other")
except ValueError as error:  # the library's word for what it cannot compare
    print("they cannot be compared:", str(error).removeprefix("Compatibility check failed: "))
"""

_DRAFTS = {
    "json-schema.org/draft-04/schema": jsonschema.Draft4Validator,
    "json-schema.org/draft-06/schema": jsonschema.Draft6Validator,
    "json-schema.org/draft-07/schema": jsonschema.Draft7Validator,
}
_ANNOTATIONS = {
    "$schema", "$id", "id", "$comment", "title", "description", "default", "examples", "readOnly", "writeOnly",
    "contentEncoding", "contentMediaType",
}  # fmt: skip
_NAMED = ("properties", "patternProperties", "definitions", "$defs", "dependentSchemas")  # name -> schema
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")  # lists of schemas
_SINGLE = ("items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else")
_TRUSTED = ("pattern", "format", "propertyNames")  # what the library does not compare


def check(definition: str) -> str:
    """The definition in canonical form, by which equal ones are found; raises InvalidDefinition."""
    return json.dumps(_parsed(definition), sort_keys=True, separators=(",", ":"))


def unreadable(reader: str, writer: str) -> str | None:
    """Why what was written with ``writer`` cannot be read with ``reader``; None when it can. InvalidDefinition."""
    try:
        new, old = _modern(_parsed(reader)), _modern(_parsed(writer))
        if new == old:
            return None
        return _not_contained(json.dumps(old), json.dumps(new)) or next(_unshared(old, new, "#", closed=False), None)
    except RecursionError:
        return "the schemas are nested too deeply to be compared"


def _not_contained(old: str, new: str) -> str | None:
    """Why not every document of the old schema is one of the new, by the library, in a process of its own.

    Some schemas take it time or memory without bound, which the control process must not lose.
    """
    command = [sys.executable, "-I", "-c", _COMPARE]
    try:
        answer = subprocess.run(
            command, input=json.dumps([old, new]), capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"they cannot be compared within {SECONDS} s"
    if answer.returncode:
        return "they cannot be compared: the comparison failed"
    return answer.stdout.strip() or None


def _parsed(definition: str) -> Schema:
    try:
        schema = json.loads(definition, parse_constant=_refused_constant)
        if not isinstance(schema, (dict, bool)):
            raise InvalidDefinition("a schema is a JSON object")
        named = str(schema.get("$schema", "")) if isinstance(schema, dict) else ""
        address = named.split("://")[-1].rstrip("#")
        if named and address not in _DRAFTS:
            raise InvalidDefinition(f"{named[:100]!r} is not served: name draft-04, draft-06 or draft-07")
        validator = _DRAFTS.get(address, jsonschema.Draft7Validator)
        validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise InvalidDefinition(f"{error.json_path}: {error.message[:500]}") from error
    except RecursionError:
        raise InvalidDefinition("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise InvalidDefinition(f"it is no JSON: {error}") from error
    except ValueError as error:  # a number that Python does not read
        raise InvalidDefinition(f"it is no JSON that can be read: {error}") from error
    return schema


def _refused_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _modern(schema: Schema) -> Schema:
    """A schema of draft-04 to draft-07 in the keywords of draft 2020-12, without annotations."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:  # what stands beside a reference is ignored in these drafts; definitions may be referred to
        kept = {name: _named(schema[name]) for name in ("definitions", "$defs") if isinstance(schema.get(name), dict)}
        return {"$ref": schema["$ref"], **kept}
    made = {name: value for name, value in schema.items() if name not in _ANNOTATIONS}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and bound in made:  # draft-04
            made[exclusive] = made.pop(bound)
    if isinstance(made.get("items"), list):
        made["prefixItems"] = made.pop("items")
        if "additionalItems" in made:
            made["items"] = made["additionalItems"]
    made.pop("additionalItems", None)
    for name, value in made.pop("dependencies", {}).items():
        where = "dependentRequired" if isinstance(value, list) else "dependentSchemas"
        made.setdefault(where, {})[name] = value
    if made.get("required") == []:
        del made["required"]
    for keyword in made.keys() & set(_NAMED):
        made[keyword] = _named(made[keyword])
    for keyword in made.keys() & set(_LISTED):
        made[keyword] = [_modern(item) for item in made[keyword]]
    for keyword in made.keys() & set(_SINGLE):
        made[keyword] = _modern(made[keyword])
    return made


def _named(schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    return {name: _modern(schema) for name, schema in schemas.items()}


def _unshared(old: Schema, new: Schema, path: str, *, closed: bool) -> Iterator[str]:
    """What the new schema demands by the trusted keywords and the old one, at the same place, does not.

    ``old`` is None where the old schema says nothing; that is harmless only where it lets nothing be (``closed``).
    """
    if not isinstance(new, dict) or (old is None and closed) or old is False:
        return
    before: Mapping[str, Schema] = old if isinstance(old, dict) else {}
    for keyword in _TRUSTED:
        values = before.get("enum", [before["const"]] if "const" in before else None)
        if keyword in new and new[keyword] != before.get(keyword) and (values is None or keyword == "format"):
            yield f"{keyword} at {path} is new or another"
    is_closed = before.get("additionalProperties") is False
    for keyword in ("properties", "patternProperties"):
        for name, schema in new.get(keyword, {}).items():
            there = before.get(keyword, {}).get(name)
            yield from _unshared(there, schema, f"{path}/{keyword}/{name}", closed=is_closed)
    for keyword in ("definitions", "$defs", "dependentSchemas"):
        for name, schema in new.get(keyword, {}).items():
            known = before.get(keyword, {})
            yield from _unshared(known.get(name), schema, f"{path}/{keyword}/{name}", closed=name not in known)
    for keyword in ("items", "contains", "additionalProperties", "not", "if", "then", "else"):
        if keyword in new:
            yield from _unshared(before.get(keyword), new[keyword], f"{path}/{keyword}", closed=False)
    yield from _unshared_in_lists(before, new, path)


def _unshared_in_lists(before: Mapping[str, Schema], new: Mapping[str, Schema], path: str) -> Iterator[str]:
    for keyword in _LISTED:
        there = before.get(keyword, [])
        for position, schema in enumerate(new.get(keyword, [])):
            if keyword in ("anyOf", "oneOf") and (position >= len(there) > 0 or schema in there):
                continue  # one more alternative takes nothing away
            known = there[position] if position < len(there) else None
            yield from _unshared(known, schema, f"{path}/{keyword}/{position}", closed=False)

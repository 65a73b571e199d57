"""What the registry holds, and the ARNs by which AWS names it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lakelet.workspace.errors import InvalidInputException

DEFAULT_REGISTRY = "default-registry"
_ARN = re.compile(r"arn:aws(?:-[a-z-]+)?:glue:[^:]*:[^:]*:(registry|schema)/([\w$#.-]+)(?:/([\w$#.-]+))?", re.ASCII)


@dataclass(frozen=True)
class Registry:
    """A named set of schemas; times are Unix seconds."""

    id: int
    name: str
    description: str | None
    created_at: float
    updated_at: float


@dataclass(frozen=True)
class Schema:
    """A named line of versions. ``checkpoint`` is 0 while there is none; ``next_version`` was never given out."""

    id: int
    registry: str
    name: str
    data_format: str
    compatibility: str
    description: str | None
    checkpoint: int
    latest: int
    next_version: int
    created_at: float
    updated_at: float


@dataclass(frozen=True)
class Version:
    """One definition. ``status`` is AVAILABLE, or FAILURE for one that its schema's mode refused."""

    id: str
    schema: Schema
    number: int
    definition: str
    status: str
    created_at: float


@dataclass(frozen=True)
class Metadata:
    """One pair of a version's metadata."""

    key: str
    value: str
    created_at: float


@dataclass(frozen=True)
class Arns:
    """Writes the ARNs of one account and region."""

    region: str
    account: str

    def registry(self, name: str) -> str:
        """The ARN of a registry."""
        return f"arn:aws:glue:{self.region}:{self.account}:registry/{name}"

    def schema(self, registry: str, name: str) -> str:
        """The ARN of a schema."""
        return f"arn:aws:glue:{self.region}:{self.account}:schema/{registry}/{name}"


def registry_name(registry_id: Mapping[str, str]) -> str:
    """The name that a RegistryId means, an empty one the default registry; raises InvalidInputException for two."""
    name, arn = registry_id.get("RegistryName"), registry_id.get("RegistryArn")
    if arn is None:
        return name or DEFAULT_REGISTRY
    kind, found, rest = _read(arn)
    if kind != "registry" or rest is not None:
        raise InvalidInputException(f"{arn} is not the ARN of a registry.")
    if name is not None:
        raise InvalidInputException("Only one of registryName or registryArn has to be provided, not both.")
    return found


def schema_names(schema_id: Mapping[str, str]) -> tuple[str, str]:
    """``(registry, schema)`` that a SchemaId means, without a registry the default one.

    Raises InvalidInputException when it names none, or two.
    """
    arn, name, registry = (schema_id.get(member) for member in ("SchemaArn", "SchemaName", "RegistryName"))
    if arn is not None:
        kind, found_registry, found = _read(arn)
        if kind != "schema" or found is None:
            raise InvalidInputException(f"{arn} is not the ARN of a schema.")
        if (name or found, registry or found_registry) != (found, found_registry):
            raise InvalidInputException("The SchemaArn and the names mean different schemas: give one.")
        return found_registry, found
    if name is None:
        raise InvalidInputException("One of schemaArn or schemaName has to be provided, both cannot be empty.")
    return registry or DEFAULT_REGISTRY, name


def _read(arn: str) -> tuple[str, str, str | None]:
    match = _ARN.fullmatch(arn)
    if match is None:
        raise InvalidInputException(f"{arn} is not the ARN of a registry or schema.")
    return match[1], match[2], match[3]

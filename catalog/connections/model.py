"""What a connection holds, and what makes one complete (AWS Glue Web API, ConnectionInput and Connection).

Subnets and security groups are kept and mean nothing here: everything is reached from this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lakelet.catalog.connections import mongodb
from lakelet.catalog.connections.jdbc import Address
from lakelet.catalog.connections.kinds import KINDS
from lakelet.catalog.model import Definition
from lakelet.workspace.errors import InvalidInputException, NotImplementedException

SCHEMA_VERSION = 1  # 2 is that of the SaaS connectors, which are not served
PASSWORDS = frozenset(one.name for kind in KINDS.values() for one in kind.properties if one.secret)

_MEMBERS = frozenset({
    "Name", "Description", "ConnectionType", "MatchCriteria", "ConnectionProperties", "PhysicalConnectionRequirements",
    "ValidateCredentials", "SparkProperties", "AthenaProperties", "PythonProperties",
})  # fmt: skip
# Where properties are: the last three are those that a compute environment has instead of, or beside, the first.
_PROPERTIES = ("ConnectionProperties", "SparkProperties", "AthenaProperties", "PythonProperties")


@dataclass(frozen=True)
class Connection:
    """One connection: Glue's ConnectionInput; times are Unix seconds, ``validated_at`` that of the last good test."""

    name: str
    definition: Definition
    created_at: float
    updated_at: float
    validated_at: float | None

    @property
    def kind(self) -> str:
        return str(self.definition["ConnectionType"])

    @property
    def properties(self) -> dict[str, str]:
        return dict(self.definition.get("ConnectionProperties") or {})

    @property
    def has_password(self) -> bool:
        return any(PASSWORDS & (self.definition.get(member) or {}).keys() for member in _PROPERTIES)

    def seen_from(self, environment: str | None) -> Connection:
        """The connection with the properties that hold in a compute environment (SPARK, ATHENA, PYTHON)."""
        if environment is None:
            return self
        properties = self.properties | (self.definition.get(f"{environment.title()}Properties") or {})
        return replace(self, definition={**self.definition, "ConnectionProperties": properties})


def check(connection: Definition) -> None:
    """Whether a ConnectionInput (or TestConnectionInput) can be kept.

    Raises InvalidInputException for one that lacks a property or has a bad value, and NotImplementedException for a
    type, a member or a property that is not served.
    """
    if unknown := sorted(connection.keys() - _MEMBERS):
        raise NotImplementedException(f"A connection is served without {', '.join(unknown)}: leave it out.")
    if not str(connection.get("Name", "x")).strip():
        raise InvalidInputException("The connection has no Name.")
    kind, properties = str(connection["ConnectionType"]), dict(connection["ConnectionProperties"])
    if kind not in KINDS:
        raise NotImplementedException(f"Connections of type {kind} are not served: {', '.join(KINDS)} are.")
    given = {name for member in _PROPERTIES for name in connection.get(member) or ()}
    if unknown := sorted(given - KINDS[kind].names):
        hint = "give USERNAME and PASSWORD" if unknown == ["SECRET_ID"] else "leave it out"
        raise NotImplementedException(f"A {kind} connection is served without {', '.join(unknown)}: {hint}.")
    if kind == "JDBC" and "JDBC_CONNECTION_URL" not in properties:
        _needs(kind, properties, "HOST", "PORT", "JDBC_ENGINE")
    _needs(kind, properties, *(one.name for one in KINDS[kind].properties if one.required))
    if kind == "JDBC":
        for member in _PROPERTIES:
            _check_jdbc(properties | (connection.get(member) or {}))
    if kind == "MONGODB":
        for member in _PROPERTIES:
            mongodb.Address.of(properties | (connection.get(member) or {}))


def without_passwords(connection: Connection) -> dict[str, Any]:
    """The definition as HidePassword shows it."""
    shown = {
        member: {name: value for name, value in connection.definition[member].items() if name not in PASSWORDS}
        for member in _PROPERTIES
        if member in connection.definition
    }
    return {**connection.definition, **shown}


def _check_jdbc(properties: Mapping[str, str]) -> None:
    if properties.get("JDBC_ENFORCE_SSL", "false").lower() not in ("true", "false"):
        raise InvalidInputException("JDBC_ENFORCE_SSL is neither true nor false.")
    Address.of(properties)


def _needs(kind: str, properties: Mapping[str, Any], *names: str) -> None:
    if missing := [name for name in names if name not in properties]:
        raise InvalidInputException(f"A {kind} connection needs the properties {', '.join(missing)}.")

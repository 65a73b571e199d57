"""The types of connection, and their properties: one table for what is checked and for what is told of them.

Names and meanings are those of AWS Glue's Web API (ConnectionInput, ConnectionProperties).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Property:
    """One of a connection's properties; a ``secret`` one is hidden. ``values`` are all that it may have, if so few."""

    name: str
    description: str
    required: bool = False
    secret: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One type of connection. ``operations`` are what crawlers and jobs do through it; with none, it is kept only."""

    name: str
    title: str
    description: str
    properties: tuple[Property, ...] = ()
    operations: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The properties' names."""
        return frozenset(one.name for one in self.properties)


_BOOLEAN = ("true", "false")

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "JDBC",
            "JDBC",
            "A relational database: PostgreSQL, MySQL or MariaDB.",
            (
                Property("JDBC_CONNECTION_URL", "The database's address, jdbc:postgresql://host:port/database."),
                Property("HOST", "The database's host, without JDBC_CONNECTION_URL."),
                Property("PORT", "The database's port, without JDBC_CONNECTION_URL."),
                Property("JDBC_ENGINE", "The kind of database, without JDBC_CONNECTION_URL."),
                Property("JDBC_ENGINE_VERSION", "The version of the database."),
                Property("DATABASE", "The database to connect to, without JDBC_CONNECTION_URL."),
                Property("INSTANCE_ID", "The name of the database's instance."),
                Property("USERNAME", "Who connects.", required=True),
                Property("PASSWORD", "The user's password.", required=True, secret=True),
                Property("JDBC_ENFORCE_SSL", "Whether to connect by TLS only.", values=_BOOLEAN),
            ),
            ("READ", "WRITE"),
        ),
        Kind(
            "KAFKA",
            "Kafka",
            "Apache Kafka.",
            (
                Property("KAFKA_BOOTSTRAP_SERVERS", "Brokers as host:port, separated by commas.", required=True),
                Property("KAFKA_SSL_ENABLED", "Whether to connect by TLS.", values=_BOOLEAN),
                Property("KAFKA_SKIP_CUSTOM_CERT_VALIDATION", "Whether to take a certificate unseen.", values=_BOOLEAN),
                Property("KAFKA_SASL_MECHANISM", "How to authenticate."),
                Property("KAFKA_SASL_PLAIN_USERNAME", "Who connects, by PLAIN."),
                Property("KAFKA_SASL_PLAIN_PASSWORD", "The password, by PLAIN.", secret=True),
                Property("KAFKA_SASL_SCRAM_USERNAME", "Who connects, by SCRAM-SHA-512."),
                Property("KAFKA_SASL_SCRAM_PASSWORD", "The password, by SCRAM-SHA-512.", secret=True),
            ),
        ),
        Kind(
            "MONGODB",
            "MongoDB",
            "MongoDB, and what speaks as it does (Amazon DocumentDB).",
            (
                Property("CONNECTION_URL", "The database's address, mongodb://host:port/database.", required=True),
                Property("USERNAME", "Who connects.", required=True),
                Property("PASSWORD", "The user's password.", required=True, secret=True),
            ),
            ("READ", "WRITE"),
        ),
        Kind("NETWORK", "Network", "A subnet and its security groups."),
    )
}  # fmt: skip

"""Databases: where a connection of the catalog leads to."""

from __future__ import annotations

from typing import Any

from catalog.connections.jdbc import Address
from catalog.glue import Glue
from workspace.errors import UsageError
from workspace.paths import Workspace


def connection_properties(workspace: Workspace, name: str) -> dict[str, str]:
    """The properties of a JDBC connection of the catalog, password included.

    Raises EntityNotFoundException, UsageError for a connection of another type.
    """
    found: dict[str, Any] = Glue(workspace).call("GetConnection", Name=name)["Connection"]
    if found["ConnectionType"] != "JDBC":
        raise UsageError(f"The connection {name} is of the type {found['ConnectionType']}, and JDBC is wanted here.")
    return dict(found["ConnectionProperties"])


def extract_jdbc_conf(workspace: Workspace, name: str) -> dict[str, Any]:
    """A connection as AWS documents it for ``extract_jdbc_conf``: user, password, vendor, url (without the database),
    fullUrl and whether TLS is enforced."""
    given = connection_properties(workspace, name)
    address = Address.of(given)
    host = f"[{address.host}]" if ":" in address.host else address.host
    url = f"jdbc:{address.engine}://{host}:{address.port}"
    return {
        "user": given.get("USERNAME", ""),
        "password": given.get("PASSWORD", ""),
        "vendor": address.engine,
        "enforceSSL": str(given.get("JDBC_ENFORCE_SSL", "false")).lower(),
        "customJDBCCert": "",
        "skipCustomJDBCCertValidation": "false",
        "customJDBCCertString": "",
        "url": url,
        "fullUrl": f"{url}/{address.database}" if address.database else url,
    }

"""Databases behind a JDBC connection: its address, and a real connection to PostgreSQL, MySQL or MariaDB.

The addresses are those of "AWS Glue connection properties" (AWS Glue Developer Guide): ``jdbc:postgresql://host:port/db``,
``jdbc:mysql://host:port/db``. Of a URL's parameters, those that ask for TLS count (``ssl``, ``sslmode``, ``useSSL``,
``requireSSL``); others are for Java's drivers, which are not used here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from lakelet.workspace.errors import InvalidInputException, NotImplementedException

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60

POSTGRESQL, MYSQL = "postgresql", "mysql"
_ENGINES = {POSTGRESQL: POSTGRESQL, "postgres": POSTGRESQL, MYSQL: MYSQL, "mariadb": MYSQL}
_PORTS = {POSTGRESQL: 5432, MYSQL: 3306}
_TITLES = {POSTGRESQL: "PostgreSQL", MYSQL: "MySQL"}
_URL = re.compile(
    r"jdbc:(?P<engine>[A-Za-z0-9]+):(?://)?(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/(?P<database>[^?;/]*))?(?:\?(?P<parameters>[^\s]*))?"
)
_HOST = re.compile(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+")
_CREDENTIALS = ("user", "username", "password")


@dataclass(frozen=True)
class Address:
    """Where a database is. ``engine`` is its URL's word; ``database`` may be empty; ``tls`` asks for encryption."""

    engine: str
    host: str
    port: int
    database: str
    tls: bool = False

    @classmethod
    def of(cls, properties: Mapping[str, str]) -> Address:
        """The address in a connection's properties; raises InvalidInputException for none that can be read."""
        enforced = properties.get("JDBC_ENFORCE_SSL", "false").lower() == "true"
        if (url := properties.get("JDBC_CONNECTION_URL")) is not None:
            return cls._of_url(url, enforced)
        engine, host = properties.get("JDBC_ENGINE", "").lower(), properties.get("HOST", "")
        if not _HOST.fullmatch(host):
            raise InvalidInputException(f"The HOST {host!r} is no name of a host.")
        port = _port(properties.get("PORT", ""))
        return cls(engine, host, port, properties.get("DATABASE", ""), enforced)

    @classmethod
    def _of_url(cls, url: str, enforced: bool) -> Address:
        match = _URL.fullmatch(url)
        if match is None:
            raise InvalidInputException(
                "The JDBC_CONNECTION_URL cannot be read: write jdbc:postgresql://host:port/database or jdbc:mysql://…, "
                "and USERNAME and PASSWORD as properties of their own."
            )
        engine, found = match["engine"].lower(), dict(parse_qsl(match["parameters"] or "", keep_blank_values=True))
        if any(name.lower() in _CREDENTIALS for name in found):
            raise InvalidInputException(
                "The JDBC_CONNECTION_URL has credentials in it: give USERNAME and PASSWORD as properties of their own."
            )
        port = _port(match["port"] or str(_PORTS.get(_ENGINES.get(engine, ""), 1)))
        return cls(
            engine, match["host"].strip("[]"), port, unquote(match["database"] or ""), enforced or _asks_for_tls(found)
        )

    @property
    def driver(self) -> str:
        """:data:`POSTGRESQL` or :data:`MYSQL`; raises NotImplementedException for a database of another kind."""
        if self.engine not in _ENGINES:
            raise NotImplementedException(
                f"Databases of the kind {self.engine} are not reached from here: PostgreSQL, MySQL and MariaDB are."
            )
        return _ENGINES[self.engine]


@contextmanager
def connected(
    properties: Mapping[str, str], database: str | None = None, what: str = "The connection"
) -> Iterator[Any]:
    """A DB-API connection to a JDBC connection's database, or to another one of that server.

    Raises InvalidInputException, in a sentence that begins with ``what``, when it cannot be had or breaks, and
    NotImplementedException for a database of another kind. No message holds the password.
    """
    address = Address.of(properties)
    opened = _postgresql if address.driver == POSTGRESQL else _mysql
    with opened(address, properties, address.database if database is None else database, what) as connection:
        yield connection


@contextmanager
def _postgresql(address: Address, properties: Mapping[str, str], database: str, what: str) -> Iterator[Any]:
    import psycopg

    try:
        with psycopg.connect(
            host=address.host,
            port=address.port,
            dbname=database or "postgres",
            user=properties.get("USERNAME", ""),
            password=properties.get("PASSWORD", ""),
            sslmode="require" if address.tls else "prefer",
            connect_timeout=CONNECT_SECONDS,
            options=f"-c statement_timeout={STATEMENT_SECONDS * 1000}",
            application_name="lakelet",
            autocommit=True,
        ) as connection:
            yield connection
    except (psycopg.Error, ValueError) as error:  # ValueError: characters that no name of a database has
        raise _failure(what, address, str(error)) from None


@contextmanager
def _mysql(address: Address, properties: Mapping[str, str], database: str, what: str) -> Iterator[Any]:
    import pymysql

    try:
        with pymysql.connect(
            host=address.host,
            port=address.port,
            database=database or None,
            user=properties.get("USERNAME", ""),
            password=properties.get("PASSWORD", "").encode(),  # a str, the driver would encode as Latin-1
            ssl={} if address.tls else None,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=STATEMENT_SECONDS,
            charset="utf8mb4",
            autocommit=True,
            local_infile=False,
        ) as connection:
            yield connection
    except (pymysql.Error, ValueError, OSError, RuntimeError) as error:
        raise _failure(what, address, str(error.args[-1] if error.args else error)) from None


def _failure(what: str, address: Address, reason: str) -> InvalidInputException:
    """What the driver says, without the words that it puts around the server's own."""
    lines = [line for line in reason.splitlines() if line.strip()] or ["it does not say why"]
    said = next((line for line in lines if "FATAL:" in line), lines[0])
    said = re.sub(r".*FATAL:|connection failed:|connection to server at .* failed:", "", said).strip().rstrip(".")
    return InvalidInputException(
        f"{what} cannot be used: {_TITLES[address.driver]} at {address.host}:{address.port} says: {said}."
    )


def _port(text: str) -> int:
    port = int(text) if re.fullmatch("[0-9]{1,5}", text, re.ASCII) else 0
    if not 1 <= port <= 65_535:
        raise InvalidInputException(f"The port {text!r} is not between 1 and 65535.")
    return port


def _asks_for_tls(parameters: Mapping[str, str]) -> bool:
    given = {name.lower(): value.lower() for name, value in parameters.items()}
    asked = any(given.get(name) in ("true", "") for name in ("ssl", "usessl", "requiressl"))
    return asked or given.get("sslmode", "").replace("_", "-") in ("require", "required", "verify-ca", "verify-full")

"""MongoDB behind a connection: its address, a client of it, and what it says when it cannot be used, in a sentence.

The addresses are those of "Using a MongoDB or MongoDB Atlas connection" (AWS Glue Developer Guide):
``mongodb://host:port/database`` and ``mongodb+srv://host/database``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote_plus, unquote, unquote_plus, urlsplit

from lakelet.workspace.errors import InvalidInputException

if TYPE_CHECKING:
    from pymongo import MongoClient

CONNECT_SECONDS = 10
SCHEMES = ("mongodb", "mongodb+srv")
# What a URL may say beside the address. Others would make our processes read files or give away credentials of theirs.
_PARAMETERS = {
    name.lower(): name
    for name in (
        "authSource", "authMechanism", "replicaSet", "directConnection", "tls", "ssl", "tlsAllowInvalidHostnames",
        "tlsAllowInvalidCertificates", "retryWrites", "retryReads", "readPreference", "readConcernLevel", "w",
        "wTimeoutMS", "journal", "appName",
    )
}  # fmt: skip
_HOST = re.compile(r"(?:[^\s\[\]:/]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_MECHANISMS = ("DEFAULT", "SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN")


@dataclass(frozen=True)
class Address:
    """Where a MongoDB is, and who connects. ``hosts`` are as in the URL; ``database`` and ``user`` may be empty."""

    scheme: str
    hosts: str
    database: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of_url(cls, url: str, user: str = "", password: str = "") -> Address:
        """The address that a URL gives. The user and the password given beside it come before its own.

        Raises InvalidInputException for a URL that cannot be read, or that has a parameter which is not served.
        """
        try:
            parts = urlsplit(url.strip())
        except ValueError:
            parts = urlsplit("")
        credentials, _, hosts = parts.netloc.rpartition("@")
        if parts.scheme not in SCHEMES or not all(map(_HOST.fullmatch, hosts.split(","))) or parts.fragment:
            raise InvalidInputException(
                "The address of MongoDB cannot be read: write mongodb://host:port/database or "
                "mongodb+srv://host/database."
            )
        found: dict[str, str] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            if name.lower() not in _PARAMETERS:
                known = ", ".join(_PARAMETERS.values())
                raise InvalidInputException(f"The address of MongoDB is served without {name}: use {known}.")
            found[_PARAMETERS[name.lower()]] = value
        if (mechanism := found.get("authMechanism", "DEFAULT").upper()) not in _MECHANISMS:
            raise InvalidInputException(f"The authMechanism {mechanism} is not served: use {', '.join(_MECHANISMS)}.")
        own = credentials.partition(":")
        return cls(
            parts.scheme,
            hosts,
            unquote(parts.path.strip("/")),
            found,
            user or unquote_plus(own[0]),
            password if user else unquote_plus(own[2]),
        )

    @classmethod
    def of(cls, properties: Mapping[str, str]) -> Address:
        """The address in a MONGODB connection's properties; raises InvalidInputException for none that can be read,
        and for one that has credentials in it, since it is shown."""
        found = cls.of_url(properties.get("CONNECTION_URL", ""))
        if found.user or found.password:
            raise InvalidInputException(
                "The CONNECTION_URL has credentials in it: give USERNAME and PASSWORD as properties of their own."
            )
        return cls.of_url(properties["CONNECTION_URL"], properties.get("USERNAME", ""), properties.get("PASSWORD", ""))

    @property
    def url(self) -> str:
        """The URL, without who connects."""
        parameters = "&".join(f"{name}={quote_plus(value)}" for name, value in self.parameters.items())
        return f"{self.scheme}://{self.hosts}/{self.database}" + (f"?{parameters}" if parameters else "")

    def __str__(self) -> str:
        return self.hosts


@contextmanager
def connected(address: Address, what: str, **options: Any) -> Iterator[MongoClient[dict[str, Any]]]:
    """A client of a MongoDB; ``options`` are further ones of PyMongo's.

    Raises InvalidInputException, in a sentence that begins with ``what``, for whatever the server or the way to it
    says against what is done with it. No message holds the password.
    """
    from bson.errors import BSONError
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    credentials = {"username": address.user, "password": address.password} if address.user else {}
    given = {"serverSelectionTimeoutMS": CONNECT_SECONDS * 1000, "appname": "lakelet", **credentials, **options}
    try:
        client: MongoClient[dict[str, Any]] = MongoClient(address.url, **given)
    except (PyMongoError, ValueError, TypeError) as error:  # a parameter's value, a name that no DNS has
        raise InvalidInputException(f"{what}: the address of MongoDB at {address} is no good: {said(error)}.") from None
    try:
        with client:
            yield client
    except (PyMongoError, BSONError) as error:  # BSON's: a document that is too large, or a name that it cannot have
        raise InvalidInputException(f"{what}: MongoDB at {address} says: {said(error)}.") from None


def said(error: Exception) -> str:
    """What MongoDB said, without what its driver puts around it."""
    details: Any = getattr(error, "details", None) or {}
    refused = details.get("writeErrors") or [details] if isinstance(details, Mapping) else []
    text = str(refused[0].get("errmsg") or "") if refused else ""
    if not text:
        text = str(error)
        for end in (", full error:", " (configured timeouts:", ", Timeout:"):
            text = text.partition(end)[0]
    return text.strip().rstrip(".") or type(error).__name__

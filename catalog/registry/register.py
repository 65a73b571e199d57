"""Registering a definition: compared outside any transaction, stored only if nothing was decided meanwhile.

A comparison can take long (every version of a schema, by another program), and the database has one writer: so the
schema is read, the comparison is made, and the transaction that stores the version first looks whether the schema is
as it was read. If it is not, the comparison is made again.
"""

from __future__ import annotations

import hashlib
import logging

from lakelet.catalog.registry.compatibility import canonical, compared, incompatible
from lakelet.catalog.registry.errors import InvalidDefinition
from lakelet.catalog.registry.model import Version
from lakelet.catalog.registry.store import RegistryStore
from lakelet.workspace.errors import ConcurrentModificationException, InvalidInputException
from lakelet.workspace.state import reading, writing

ATTEMPTS = 20

log = logging.getLogger("lakelet.registry")


def fingerprint(data_format: str, definition: str) -> str:
    """What equal definitions share; raises InvalidInputException for one that is not valid."""
    try:
        return hashlib.sha256(canonical(data_format, definition).encode()).hexdigest()
    except InvalidDefinition as error:
        raise InvalidInputException(f"Schema definition of {data_format} data format is invalid: {error}") from error


def register(store: RegistryStore, registry: str, name: str, definition: str) -> Version:
    """The version of a definition: the one that is there, or a new one, AVAILABLE or (incompatible) FAILURE.

    Raises EntityNotFoundException, InvalidInputException for a definition that is not valid and for a schema that is
    DISABLED, ResourceNumberLimitExceededException, ConcurrentModificationException when others never leave off.
    """
    for _ in range(ATTEMPTS):
        with reading(store.engine) as connection:
            schema = store.schema(connection, registry, name)
            available = store.available(connection, schema)
        digest = fingerprint(schema.data_format, definition)
        with reading(store.engine) as connection:
            known = store.same(connection, schema, digest)
        if known is not None and known.status == "AVAILABLE":
            return known
        if schema.compatibility == "DISABLED" and schema.next_version > 1:
            raise InvalidInputException(f"Schema {name} is in DISABLED compatibility mode: it takes no new version.")
        others = compared(schema.compatibility, available, schema.checkpoint)
        refused = incompatible(schema.data_format, schema.compatibility, definition, others)
        if refused is not None:
            log.warning("a version of schema %s/%s was refused: %s", registry, name, refused)
        with writing(store.engine) as connection:
            if store.schema(connection, registry, name) != schema:
                continue
            if refused is not None and known is not None:
                return known  # it was refused before, and still is
            return store.add_version(connection, schema, definition, digest, "FAILURE" if refused else "AVAILABLE")
    raise ConcurrentModificationException(f"Schema {name} is being changed by others all the time: try again.")

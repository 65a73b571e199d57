"""Our errors as the exceptions of the Hive metastore's interface, of which each method declares its own few."""

from __future__ import annotations

from functools import lru_cache

from hive_metastore import ThriftHiveMetastore, ttypes
from thrift.Thrift import TApplicationException, TException, TType

from lakelet.workspace.errors import (
    AlreadyExistsException,
    ConcurrentModificationException,
    EntityNotFoundException,
    InvalidInputException,
    LakeletError,
)

# What clients look for, the first that a method declares: Spark tells "no such table" from a failure by the type.
_MISSING = ("NoSuchObjectException", "UnknownTableException", "UnknownDBException", "InvalidOperationException")
_MEANINGS: tuple[tuple[type[LakeletError], tuple[str, ...]], ...] = (
    (EntityNotFoundException, (*_MISSING, "InvalidObjectException")),
    (AlreadyExistsException, ("AlreadyExistsException", "InvalidOperationException")),
    (ConcurrentModificationException, ("MetaException",)),
    (InvalidInputException, ("InvalidOperationException", "InvalidObjectException")),
)
_LAST_RESORT = "MetaException"


def translated(method: str, error: LakeletError) -> TException:
    """The exception that a method of ThriftHiveMetastore raises for one of our errors.

    One that the method does not declare is a MetaException; a method that declares none, a TApplicationException.
    """
    declared = _declared(method)
    wanted = next((names for kind, names in _MEANINGS if isinstance(error, kind)), ())
    for name in (*wanted, _LAST_RESORT):
        if name in declared:
            return getattr(ttypes, name)(message=str(error))
    return TApplicationException(TApplicationException.INTERNAL_ERROR, str(error))


@lru_cache(maxsize=512)
def _declared(method: str) -> frozenset[str]:
    """The names of the exceptions in a method's result structure: its fields beyond the first, which is the result."""
    result = getattr(ThriftHiveMetastore, f"{method}_result")
    fields = [field for field in result.thrift_spec or () if field is not None and field[2] != "success"]
    return frozenset(field[3][0].__name__ for field in fields if field[1] == TType.STRUCT)

"""The metastore: every method that is served, and how one is called.

What it is not (transactions, constraints, privileges, materialised views, Hive's own statistics) is no method of it,
and a client that asks for that is told that there is none of that name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from hive_metastore.ThriftHiveMetastore import Processor
from thrift.Thrift import TException

from lakelet.catalog.grants.guard import Guard
from lakelet.catalog.hive.errors import translated
from lakelet.catalog.hive.face import Settle
from lakelet.catalog.hive.functions import Functions
from lakelet.catalog.hive.locks import Locks
from lakelet.catalog.hive.partitions import Partitions
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.errors import InternalServiceException, LakeletError
from lakelet.workspace.paths import Workspace

log = logging.getLogger(__name__)

VERSION = "2.3.10"  # of Hive's interface, which is the one of Spark 4's own client


class Metastore(Partitions, Functions, Locks):
    """ThriftHiveMetastore over the one catalog; one per control process, safe to call from many threads."""

    def __init__(
        self, workspace: Workspace, engine: sa.Engine, catalog: CatalogStore, settle: Settle, guard: Guard
    ) -> None:
        Partitions.__init__(self, workspace, engine, catalog, settle, guard)
        Locks.__init__(self)

    def set_ugi(self, user: str, groups: Sequence[str]) -> list[str]:
        """Who the client says it is, which decides nothing here: the connection's owner is the workspace's."""
        return [user]

    def getVersion(self) -> str:
        """The version of Hive whose interface this is."""
        return VERSION

    def getName(self) -> str:
        """The server's name."""
        return "lakelet"

    def get_config_value(self, name: str, default: str) -> str:
        """A setting of the metastore's; there are none, so that each is what the client takes for the default."""
        return default

    def getMetaConf(self, name: str) -> str:
        """A setting of the metastore's, of which there are none."""
        return ""

    def flushCache(self) -> None:
        """Nothing is cached."""

    def shutdown(self) -> None:
        """A client says goodbye."""


def processor(metastore: Metastore) -> Any:
    """Thrift's processor for the metastore: it knows the methods that there are, and translates errors."""
    found = Processor(_Translating(metastore))
    served = {name: call for name, call in found._processMap.items() if callable(getattr(metastore, name, None))}
    found._processMap = served
    return found


class _Translating:
    """The metastore, raising what each method declares."""

    def __init__(self, metastore: Metastore) -> None:
        self._metastore = metastore

    def __getattr__(self, method: str) -> Callable[..., Any]:
        served: Callable[..., Any] = getattr(self._metastore, method)

        def call(*arguments: Any) -> Any:
            try:
                return served(*arguments)
            except TException:
                raise
            except LakeletError as error:
                log.debug("%s: %s", method, error)
                raise translated(method, error) from error
            except Exception as error:
                log.exception("%s failed", method)
                sorry = InternalServiceException(f"{method} failed: see the control process's log.")
                raise translated(method, sorry) from error

        return call

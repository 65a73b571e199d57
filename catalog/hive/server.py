"""The metastore's server: Thrift's binary protocol on a port of the loopback address, a thread for each connection.

Only processes of the user who owns the workspace are let in: the protocol has no signature, and whoever may read the
workspace's keys could sign as its root user anyway.
"""

from __future__ import annotations

import logging
import os
import socketserver
import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from lakelet.catalog.grants.guard import Client
from lakelet.catalog.hive.face import CLIENT
from lakelet.workspace.paths import Workspace
from lakelet.workspace.peers import owner

if TYPE_CHECKING:
    from lakelet.catalog.grants.guard import Guard
    from lakelet.catalog.hive.face import Settle
    from lakelet.catalog.store import CatalogStore

log = logging.getLogger(__name__)

LONGEST = 64 * 1024 * 1024  # bytes of a text, and items of a list; a Glue table's definition is far smaller
Owner = Callable[[tuple[str, int], tuple[str, int]], int | None]
FindClient = Callable[[tuple[str, int], tuple[str, int]], Client]


class MetastoreServer:
    """Serves the catalog at the workspace's endpoint ``metastore`` from :meth:`start` to :meth:`stop`."""

    def __init__(
        self, workspace: Workspace, engine: sa.Engine, catalog: CatalogStore, settle: Settle, guard: Guard
    ) -> None:
        address = urlsplit(workspace.endpoint("metastore"))
        self._parts = (workspace, engine, catalog, settle, guard)
        self._server = _Server(
            (address.hostname or "127.0.0.1", address.port or 0), lambda: self._processor, guard.client
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="metastore", daemon=True)

    @cached_property
    def _processor(self) -> Any:
        """Made when the first client comes: Hive's generated code is large."""
        from lakelet.catalog.hive.metastore import Metastore, processor

        return processor(Metastore(*self._parts))

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def stop(self) -> None:
        """Accept no more; clients find their connections closed when the process ends."""
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        processor: Callable[[], Any],
        find_client: FindClient,
        find_owner: Owner = owner,
    ) -> None:
        self.processor = processor
        self.find_client = find_client
        self._find_owner = find_owner
        super().__init__(address, _Connection)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        uid = self._find_owner(tuple(client_address[:2]), request.getsockname()[:2])
        # root could read the workspace's keys as well as its owner
        if uid in (os.getuid(), 0):
            return True
        log.warning("A connection to the metastore from uid %s was refused: it is not the workspace's user.", uid)
        return False


class _Connection(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory
        from thrift.transport.TSocket import TSocket
        from thrift.transport.TTransport import TBufferedTransport, TTransportException

        # A thread for each connection: what it does from here on is for this client.
        CLIENT.set(self.server.find_client(tuple(self.client_address[:2]), self.request.getsockname()[:2]))
        socket = TSocket()
        socket.setHandle(self.request)
        transport = TBufferedTransport(socket)
        protocol = TBinaryProtocolAcceleratedFactory(
            string_length_limit=LONGEST, container_length_limit=LONGEST
        ).getProtocol(transport)
        processor = self.server.processor()
        try:
            while True:
                processor.process(protocol, protocol)
        except TTransportException:  # the client has left
            pass
        except Exception as error:
            log.warning("A client of the metastore sent what cannot be read (%s): its connection is closed.", error)

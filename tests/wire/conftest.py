"""A control process's wire alone: uvicorn in a thread, a state of its own, boto3 clients that talk to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn
from starlette.types import ASGIApp

from lakelet.aws import context
from lakelet.aws.app import create_app
from lakelet.aws.connections import LimitedProtocol
from lakelet.aws.directory import Directory
from lakelet.catalog.crawlers.store import CrawlerStore
from lakelet.catalog.publishes import Publishes
from lakelet.catalog.store import CatalogStore
from lakelet.jobs.runner import Runner
from lakelet.jobs.store import JobStore
from lakelet.workspace.paths import Workspace
from lakelet.workspace.state import open_state
from tests.clients import aws_client


@dataclass(frozen=True)
class Wire:
    """The running wire: its workspace, its address, and a client maker."""

    workspace: Workspace
    url: str

    def client(self, service: str = "glue") -> Any:
        return aws_client(self.workspace, service)


# Whose operations keep state: they are asked of both databases.
ON_BOTH = (
    "test_catalog",
    "test_batch",
    "test_connections",
    "test_classifiers",
    "test_schema_registry",
    "test_lakeformation",
    "test_iam",
    "test_sts",
    "test_saml",
    "test_mfa",
    "test_object_keys",
    "test_role_chains",
    "test_web_identity",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask the tests of state of a control process on SQLite, and of one on PostgreSQL."""
    module = metafunc.module.__name__.rsplit(".", 1)[-1]
    if "wire" in metafunc.fixturenames and module.startswith(ON_BOTH):
        metafunc.parametrize("wire", ["sqlite", "postgresql"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def wire(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    root = tmp_path_factory.mktemp("wire")
    workspace = Workspace(root, root / ".lakelet").prepare()
    on_postgresql = getattr(request, "param", "sqlite") == "postgresql"
    engine = open_state(request.getfixturevalue("postgresql").url() if on_postgresql else workspace.database)
    listener, app = compose(workspace, engine)
    server = uvicorn.Server(uvicorn.Config(app, http=LimitedProtocol, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 120
    while not server.started:
        assert time.monotonic() < deadline, "the wire did not start"
        time.sleep(0.01)
    yield Wire(workspace, workspace.endpoint("control"))
    server.should_exit = True
    thread.join(30)
    engine.dispose()


def compose(workspace: Workspace, engine: sa.Engine) -> tuple[socket.socket, ASGIApp]:
    """A socket of a wire's own and its application, composed as the control process composes it; runs stay WAITING."""
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts: 40 ms an answer otherwise.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    workspace.write_endpoints({"control": url, "s3": "http://127.0.0.1:9"})  # nothing here touches objects
    catalog, jobs = CatalogStore(engine), JobStore(engine)
    publishes = Publishes(engine, catalog, workspace)
    rooms = (publishes, jobs, CrawlerStore(engine), Runner(workspace, jobs, publishes))
    context.use(context.Context(workspace, engine, catalog, *rooms))
    return listener, create_app(Directory.served())


@pytest.fixture
def database(wire: Wire, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the test's own."""
    name = f"db_{abs(hash(request.node.nodeid)):x}"
    wire.client().create_database(DatabaseInput={"Name": name})
    yield name
    wire.client().delete_database(Name=name)

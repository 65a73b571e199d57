"""One real stack per test process, shared by every test that needs one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from lakelet import demo
from lakelet.catalog.client import get_partitions
from lakelet.search.client import open_client
from lakelet.stack import operate
from lakelet.stack.child import tail
from lakelet.stack.install import install
from lakelet.workspace.environment import client_environment
from lakelet.workspace.errors import EntityNotFoundException, StackError
from lakelet.workspace.paths import STATE_VARIABLE, Workspace
from lakelet.workspace.process import Identity
from tests.databases import database, mariadb, postgresql  # noqa: F401  fixtures of the whole suite
from tests.mongodb import mongodb  # noqa: F401
from tests.spark import glue, lake  # noqa: F401

T = TypeVar("T")

# For quick rounds while developing, without -n: the state folder of a stack that runs already, and is left running.
REUSE_VARIABLE = "LAKELET_TEST_STATE"
FOREIGN = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE")

# What the fixture ``flights`` is for: it takes the longest of all, and is to be made once.
YEAR = ("tests/browser/", "tests/stack/test_demo.py", "tests/stack/test_notebook.py")

# The modules on the real stack that `make test` runs: a smoke of each part. `make test-all` runs every module.
SMOKE = {
    "tests/browser/test_access.py",
    "tests/stack/test_access.py",
    "tests/stack/test_backup.py",
    "tests/stack/test_commands.py",
    "tests/stack/test_crawlers.py",
    "tests/stack/test_endpoint.py",
    "tests/stack/test_ephemeral.py",
    "tests/stack/test_failures.py",
    "tests/stack/test_faults_jobs.py",
    "tests/stack/test_jobs.py",
    "tests/stack/test_lease.py",
    "tests/stack/test_month.py",
    "tests/stack/test_publish.py",
    "tests/stack/test_search_logs.py",
    "tests/stack/test_sql.py",
    "tests/stack/test_stack.py",
}
ON_THE_STACK = ("tests/stack/", "tests/browser/")

# A shell that starts us in the background has Ctrl-C ignored, by our children too: what they do on it is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run: what a run finds, the next one finds again.
settings.register_profile("suite", derandomize=True)
settings.load_profile("suite")


class YearTogether(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """With ``-n``: a process, whose stack is its own, takes one module after the other; one has all that needs YEAR."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "year" if path.startswith(YEAR) else path


def pytest_xdist_make_scheduler(config: Any, log: Any) -> YearTogether:
    """xdist's hook: who runs what."""
    return YearTogether(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test` leaves to `make test-all`."""
    for item in items:
        path = item.nodeid.partition("::")[0]
        if path.startswith(ON_THE_STACK) and path not in SMOKE:
            item.add_marker("thorough")


@dataclass(frozen=True)
class Stack:
    """The running stack of this test process; the environment points boto3 and ``lakelet`` at it."""

    workspace: Workspace


def eventually(condition: Callable[[], T], seconds: float = 120) -> T:
    """Call ``condition`` until it returns something true, and return that; fail after ``seconds``.

    An exception counts as "not yet"; the last one is shown when time is up.
    """
    deadline = time.monotonic() + seconds
    while True:
        problem: Exception | None = None
        value: T | None = None
        try:
            value = condition()
        except Exception as error:
            problem = error
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {problem or value!r}") from problem
        time.sleep(0.1)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack in a folder of its own, on free ports, ended with the test run."""
    reused = os.environ.get(REUSE_VARIABLE)
    state = Path(reused) if reused else tmp_path_factory.mktemp("stack") / ".lakelet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STATE_VARIABLE, str(state))
        workspace = Workspace.find()
        install(workspace)
        try:
            start(workspace)
            for name in FOREIGN:
                patch.delenv(name, raising=False)
            for name, value in client_environment(workspace).items():
                patch.setenv(name, value)
            yield Stack(workspace)
        finally:
            if not reused:
                operate.stop(workspace)


@pytest.fixture(scope="session")
def flights(stack: Stack) -> Stack:
    """The stack with the year of flights in gold and OpenSearch, and the gate's Data Docs.

    The demo brings them, unless they are there: it runs at most once in a test process.
    """
    try:
        months = len(list(get_partitions(stack.workspace, "gold", "flights")))
        ready = months == len(demo.MONTHS) and bool(open_client(stack.workspace).indices.exists(index="flights"))
    except EntityNotFoundException:
        ready = False
    if not ready or not (stack.workspace.state / "data-docs" / "index.html").exists():
        list(demo.run(demo.Demo(stack.workspace)))
    return stack


@pytest.fixture
def own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace of the test's own, for stacks that the test starts and breaks; whatever it starts is ended."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / ".lakelet"))
    workspace = Workspace.find()
    try:
        yield workspace
    finally:
        operate.stop(workspace)


def start(workspace: Workspace, *only: str) -> None:
    """Start a stack, or these components of it, which ends with this process.

    A failure shows the last lines of every log.
    """
    try:
        operate.start(workspace, only, lease=Identity.mine())
    except StackError as error:
        logs = sorted(workspace.logs.glob("*.log"))
        said = "\n".join(f"--- {log.name}\n" + "\n".join(tail(log, 20)) for log in logs)
        raise AssertionError(f"{error}\n{said}") from error

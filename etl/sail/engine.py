"""Sail in this process: a Spark Connect server in Rust, to which pyspark's own Connect client speaks.

Sail leaves out in silence what it does not know: a path that is not there has no rows, CREATE DATABASE goes to a
catalog that ends with the process. :func:`start` puts our own functions before those doors
(:mod:`lakelet.etl.sail.reading`, :mod:`lakelet.etl.sail.writing`, :mod:`lakelet.etl.sail.statements`), which do it
right or refuse it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from lakelet.etl import refusals
from lakelet.etl.errors import UnsupportedError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import RUN_VARIABLE, SCRATCH

REMOTE, MODE = "SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED"
_CHECKPOINTS = "SAIL_EXECUTION__CHECKPOINT__PATH"
# Sail ends a session 15 minutes after its last request began, with its views, even while that request still runs. The
# one session here ends with its process.
_SESSION_TIMEOUT, _YEAR = "SAIL_SPARK__SESSION_TIMEOUT_SECS", "31536000"
_MARK = "is not there on the engine sail"
# Modules that stand before pyspark's own functions, in the order in which they do.
_DOORS = (
    "aliases", "answers", "coerced", "context", "created", "dropped", "duplicates", "fills", "from_json", "functions",
    "names", "grouping", "hidden_keys", "joins", "lateral", "once", "listings", "made_columns", "null_structs",
    "pickled", "properties", "rdd", "reading", "schemas", "shown", "single", "spelling", "views", "statements",
    "statistics", "unions", "writing", "user_errors",
)  # fmt: skip
_server: Any = None
_refused: list[str] = []
_undo: list[Callable[[], None]] = []
_beforehand: list[Callable[[Any, Any], None]] = []
_afterwards: list[Callable[[bytes], None]] = []


def active() -> bool:
    """Whether Sail is this process's engine."""
    return _server is not None


def start() -> None:
    """Start Sail in this process, for the stock imports of pyspark; once started, nothing happens."""
    global _server  # noqa: PLW0603 - a process has one engine
    if _server is not None:
        return
    from pysail.spark import SparkConnectServer

    os.environ |= {_CHECKPOINTS: scratch(), _SESSION_TIMEOUT: _YEAR}
    _server = SparkConnectServer("127.0.0.1", 0)
    _server.start(background=True)
    host, port = _server.listening_address
    os.environ |= {REMOTE: f"sc://{host}:{port}", MODE: "1"}
    _open_doors()


def stop() -> None:
    """End Sail, and give pyspark back its own classes: a test process goes on with Spark."""
    global _server  # noqa: PLW0603
    from lakelet.etl.sail.context import SailContext

    SailContext.end()
    _beforehand.clear()
    _afterwards.clear()
    _refused.clear()
    while _undo:
        _undo.pop()()
    for name in (REMOTE, MODE):
        os.environ.pop(name, None)
    if _server is not None:
        _server.stop()
        _server = None


def before_actions(check: Callable[[Any, Any], None]) -> None:
    """Have ``check`` called with pyspark's client and the plan before each action on Sail from now on; it may raise."""
    if check not in _beforehand:
        _beforehand.append(check)


def after_actions(check: Callable[[bytes], None]) -> None:
    """Have ``check`` called with its plan when an action on Sail has ended, before its result is seen; it may raise."""
    if active():
        _afterwards.append(check)


def refused(what: str) -> UnsupportedError:
    """The error of everything that only Spark can do, to be raised."""
    error = UnsupportedError(refusal(what))
    _refused.append(str(error))
    return error


def refusing(what: str) -> Callable[..., Any]:
    """A function that raises that error, to stand for one that only Spark has."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise refused(what)

    return refuse


def refusal(what: str) -> str:
    """The words of that error, for what is refused only when a row is met."""
    return f"{what} {_MARK}: submit the job with --engine spark."


def otherwise(what: str, why: str) -> UnsupportedError:
    """The error of what Sail would answer otherwise than Spark, and what is different."""
    return refused(told(what, why))


def told(what: str, why: str) -> str:
    """What is refused for that, to be put into the words of either refusal."""
    return f"{what}, which Sail answers otherwise than Spark ({why}),"


def caught() -> UnsupportedError | None:
    """What to say of a script that has come to its end although something was refused: it caught the error, and has
    come to something else than it does on Spark."""
    if not _refused:
        return None
    return UnsupportedError(refusals.went_on(_refused[0]))


def spark_only(what: str) -> None:
    """Refuse what Sail cannot do, when it is the engine. Raises UnsupportedError."""
    if active():
        raise refused(what)


def scratch() -> str:
    """A folder of this machine for what the process needs until it ends: in that of its run, if there is one, where it
    is removed when the process was killed."""
    place = None
    if run := os.environ.get(RUN_VARIABLE):
        place = Workspace.find().runs / run / SCRATCH
        place.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="sail-", dir=place)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return f"file://{folder}"


def replace(owner: Any, name: str, value: Any) -> None:
    """Set an attribute of pyspark's until :func:`stop`."""
    before = getattr(owner, name, None)
    own = name in vars(owner)

    def undo() -> None:
        if own:
            setattr(owner, name, before)
        else:
            delattr(owner, name)

    _undo.append(undo)
    setattr(owner, name, value)


def prepare() -> None:
    """Import what Sail needs in this process; :func:`start` does it, and who waits for a script does it before."""
    import pysail.spark  # noqa: F401

    # pyspark's client asks IPython how wide a progress bar may be: no run has one, and the import takes its time.
    absent = "IPython" not in sys.modules
    if absent:
        sys.modules["IPython"] = None  # type: ignore[assignment]
    from pyspark.sql.connect import client  # noqa: F401

    if absent:
        del sys.modules["IPython"]
    from pyspark.sql.connect import functions, session  # noqa: F401


def _open_doors() -> None:
    prepare()
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.client import SparkConnectClient

    fetch: Any = SparkConnectClient._execute_and_fetch_as_iterator

    def checked(client: Any, request: Any, *args: Any, **options: Any) -> Iterator[Any]:
        for before in _beforehand:
            before(client, request.plan)
        try:
            yield from fetch(client, request, *args, **options)
        except PySparkException as error:
            said = next((line for line in str(error).splitlines() if _MARK in line), "")
            if said:
                _refused.append(said.rpartition("UnsupportedError: ")[2])
            if "UnsupportedError: " in said:  # of a Python worker
                raise UnsupportedError(_refused[-1]) from error
            raise
        if _afterwards:
            plan = request.SerializeToString()
            for check in _afterwards:
                check(plan)

    replace(SparkConnectClient, "_execute_and_fetch_as_iterator", checked)
    workspace = Workspace.find()
    doors = [import_module(f".{name}", __package__) for name in _DOORS]
    for door in doors:
        door.install(workspace)

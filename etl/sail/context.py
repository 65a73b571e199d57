"""What a script finds as SparkContext on Sail: a session, its name and configuration. The rest of it is the JVM's."""

from __future__ import annotations

import os
import sys
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lakelet.etl.sail import engine, json_paths, properties
from lakelet.etl.sail.functions import ARROW
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

# Where Spark runs is the launcher's to say: `.master("local[*]")` of a stock script means this process here.
_DEFAULTS = {
    ARROW: "true",
    "spark.sql.execution.pandas.convertToArrowArraySafely": "true",  # as Spark 4.1 has it: 1.5 is no whole number
    "spark.python.sql.dataFrameDebugging.enabled": "false",  # it sends every call's line
    "spark.sql.ansi.enabled": "false",  # as jobs/spark.py has it
}
_PLACE = ("spark.master", "spark.remote", "spark.api.mode")


def install(workspace: Workspace) -> None:
    """Have ``SparkContext`` and ``SparkSession.builder`` of pyspark make ours."""
    import pyspark
    from pyspark.core import context
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    for module in (pyspark, context, sys.modules.get("pyspark.context")):
        if module is not None:
            engine.replace(module, "SparkContext", SailContext)
    engine.replace(SparkSession.Builder, "getOrCreate", _get_or_create)
    # For good: a class that has lost its own __new__ can no longer be called with arguments.
    session_class: Any = SparkSession
    session_class.__new__ = _session_of
    engine.replace(SparkSession.Builder, "master", lambda builder, _: builder)
    engine.replace(ConnectSession, "sparkContext", property(lambda session: SailContext.getOrCreate()))


def _get_or_create(builder: Any) -> SparkSession:
    from pyspark.sql.connect.session import SparkSession

    options = {name: value for name, value in builder._options.items() if name not in _PLACE}
    properties.require(options.items())
    options["spark.remote"] = os.environ[engine.REMOTE]
    options = _DEFAULTS | options
    session: Any = SparkSession.builder.config(map=options).getOrCreate()
    json_paths.register(session)
    return session  # type: ignore[no-any-return]


def _session_of(kind: type[Any], *given: Any, **options: Any) -> Any:
    """``SparkSession(sc)``, an old way to a session; every other class's objects are made as always."""
    if len(given) == 1 and isinstance(given[0], SailContext) and not options:
        return given[0].session
    return object.__new__(kind)


class SailContext:
    """The part of pyspark's SparkContext that has a meaning on Sail; everything else is refused by name."""

    # What pyspark itself looks for in this class.
    _jvm = _gateway = _active_spark_context = None
    _lock = RLock()
    _current: SailContext | None = None

    def __init__(
        self,
        master: str | None = None,
        appName: str | None = None,
        *args: Any,
        conf: SparkConf | None = None,
        **options: Any,
    ) -> None:
        from pyspark import SparkConf
        from pyspark.sql import SparkSession

        if SailContext._current is not None:
            raise ValueError("Cannot run multiple SparkContexts at once: use SparkContext.getOrCreate().")
        if args or options:
            raise engine.refused(f"SparkContext({', '.join(options) or 'more than master and appName'})")
        self._conf = SparkConf(loadDefaults=False).setAll(conf.getAll() if conf else [])
        if appName:
            self._conf.setAppName(appName)
        self.applicationId = f"sail-{uuid4().hex[:12]}"
        builder: Any = SparkSession.builder.config(conf=self._conf)
        self.session: SparkSession = builder.getOrCreate()
        SailContext._current = self

    @classmethod
    def getOrCreate(cls, conf: SparkConf | None = None) -> SailContext:
        """The one there is, or a new one."""
        return cls._current or cls(conf=conf)

    @classmethod
    def end(cls) -> None:
        """Stop the one there is."""
        if cls._current is not None:
            cls._current.stop()

    def getConf(self) -> SparkConf:
        """A copy of the configuration."""
        from pyspark import SparkConf

        return SparkConf(loadDefaults=False).setAll(self._conf.getAll())

    @property
    def appName(self) -> str:
        return str(self._conf.get("spark.app.name", "pyspark-shell"))

    @property
    def version(self) -> str:
        return self.session.version

    def setLogLevel(self, logLevel: str) -> None:
        """Accepted: Spark's log, which this is about, is not written at all."""

    def stop(self) -> None:
        """End the session; a new context may follow."""
        self.session.stop()
        SailContext._current = None

    def __enter__(self) -> SailContext:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise engine.refused(f"SparkContext.{name}")

"""Delta's log store for any number of drivers (docs/adr/0020), compiled by the Scala compiler that comes with Spark."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from jobs.spark import java_argv, spark_home
from lakelet.stack.download import AGAIN
from lakelet.stack.steps import run_step
from workspace.paths import Workspace

SOURCE = Path(__file__).parent / "delta_build" / "ConditionalLogStore.scala"
JAR = "lakelet-log-store.jar"


def build_log_store(
    workspace: Workspace, work: Path, jars: Path, phase: Callable[[str], None], cancelled: threading.Event
) -> None:
    """Compile the log store against the Delta ``jars`` of a folder, and leave its jar among them.

    Raises :class:`~workspace.errors.InstallError` when it does not compile.
    """
    phase("compiling the log store")
    folders = (workspace.cache.s3a_jars, spark_home() / "jars", jars)
    class_path = os.pathsep.join(str(folder / "*") for folder in folders)
    argv = java_argv(workspace, "scala.tools.nsc.Main", heap_mb=512)
    run_step(
        [*argv, "-classpath", class_path, "-d", str(jars / JAR), str(SOURCE)], work, os.environ, cancelled, _explain
    )


def _explain(argv: Sequence[str], tail: Sequence[str]) -> str:
    said = next((line for line in tail if "error" in line), (list(tail) or ["no output"])[-1])
    return f"Delta's log store does not compile here ({said[:200]}): put that right, and {AGAIN}."

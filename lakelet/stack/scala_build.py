"""Our classes for Spark, compiled by the Scala compiler that comes with it (docs/adr/0020, 0025 and 0028)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from jobs.spark import java_argv, spark_home
from lakelet.stack.download import AGAIN
from lakelet.stack.steps import run_step
from workspace.paths import Workspace

SOURCES = Path(__file__).parent / "spark_build"
LOG_STORE = (SOURCES / "ConditionalLogStore.scala",)
CLASSES = tuple(
    SOURCES / f"{name}.scala"
    for name in ("StagingCommitter", "PublishingProtocol", "Publication", "JsonSerDes", "JsonTables")
)


def compile_scala(
    workspace: Workspace,
    sources: Sequence[Path],
    work: Path,
    jars: Path,
    phase: Callable[[str], None],
    cancelled: threading.Event,
) -> None:
    """Compile sources against the ``jars`` of a folder, Spark's and S3A's, and leave their jar among the first.

    Raises :class:`~workspace.errors.InstallError` when it does not compile.
    """
    name = sources[0].stem
    phase(f"compiling {name}")
    folders = (workspace.cache.s3a_jars, spark_home() / "jars", jars)
    class_path = os.pathsep.join(str(folder / "*") for folder in folders)
    argv = java_argv(workspace, "scala.tools.nsc.Main", heap_mb=512)
    command = [*argv, "-classpath", class_path, "-d", str(jars / f"lakelet-{name}.jar"), *map(str, sources)]
    run_step(command, work, os.environ, cancelled, partial(_explain, name))


def _explain(name: str, argv: Sequence[str], tail: Sequence[str]) -> str:
    said = next((line for line in tail if "error" in line), (list(tail) or ["no output"])[-1])
    return f"{name} does not compile here ({said[:200]}): put that right, and {AGAIN}."

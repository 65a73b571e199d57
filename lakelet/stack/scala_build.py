"""Our classes for Spark, compiled by the Scala compiler that comes with it (docs/adr/0020, docs/adr/0025)."""

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
LOG_STORE, COMMITTER = SOURCES / "ConditionalLogStore.scala", SOURCES / "StagingCommitter.scala"


def compile_scala(
    workspace: Workspace,
    source: Path,
    work: Path,
    jars: Path,
    phase: Callable[[str], None],
    cancelled: threading.Event,
) -> None:
    """Compile a source against the ``jars`` of a folder, Spark's and S3A's, and leave its jar among the first.

    Raises :class:`~workspace.errors.InstallError` when it does not compile.
    """
    phase(f"compiling {source.stem}")
    folders = (workspace.cache.s3a_jars, spark_home() / "jars", jars)
    class_path = os.pathsep.join(str(folder / "*") for folder in folders)
    argv = java_argv(workspace, "scala.tools.nsc.Main", heap_mb=512)
    jar = str(jars / f"lakelet-{source.stem}.jar")
    explain = partial(_explain, source.stem)
    run_step([*argv, "-classpath", class_path, "-d", jar, str(source)], work, os.environ, cancelled, explain)


def _explain(name: str, argv: Sequence[str], tail: Sequence[str]) -> str:
    said = next((line for line in tail if "error" in line), (list(tail) or ["no output"])[-1])
    return f"{name} does not compile here ({said[:200]}): put that right, and {AGAIN}."

"""Our classes for Spark and OpenSearch, compiled by Spark's Scala compiler (docs/adr/0020, 0025, 0028 and 0037)."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from lakelet.jobs.spark import java_argv, spark_home
from lakelet.stack.download import AGAIN
from lakelet.stack.steps import run_step
from lakelet.workspace.paths import Workspace

SOURCES = Path(__file__).parent / "spark_build"
LOG_STORE = (SOURCES / "ConditionalLogStore.scala",)
OPENSEARCH = Path(__file__).parent / "opensearch_build"
OPENSEARCH_PLUGIN = (OPENSEARCH / "AccessPlugin.scala", SOURCES / "Loopback.scala")
CLASSES = tuple(
    SOURCES / f"{name}.scala"
    for name in (
        "StagingCommitter",
        "PublishingProtocol",
        "Publication",
        "JsonSerDes",
        "JsonTables",
        "Loopback",
        "LoopbackFilter",
    )
)


def compile_scala(
    workspace: Workspace,
    sources: Sequence[Path],
    work: Path,
    jars: Path,
    phase: Callable[[str], None],
    cancelled: threading.Event,
    library: Path | None = None,
) -> None:
    """Compile sources against the ``jars`` of a folder, and Spark's and S3A's or those of a ``library`` instead, and
    leave their jar among the first.

    Raises :class:`~lakelet.workspace.errors.InstallError` when it does not compile.
    """
    name = sources[0].stem
    phase(f"compiling {name}")
    folders = (library, jars) if library else (workspace.cache.s3a_jars, spark_home() / "jars", jars)
    class_path = os.pathsep.join(str(folder / "*") for folder in folders)
    argv = java_argv(workspace, "scala.tools.nsc.Main", heap_mb=512)
    command = [*argv, "-classpath", class_path, "-d", str(jars / f"lakelet-{name}.jar"), *map(str, sources)]
    run_step(command, work, os.environ, cancelled, partial(_explain, name))


def build_plugin(
    workspace: Workspace,
    version: str,
    work: Path,
    draft: Path,
    phase: Callable[[str], None],
    cancelled: threading.Event,
) -> None:
    """Make OpenSearch's folder of plugins: ours alone, for the OpenSearch of this ``version``.

    Raises :class:`~lakelet.workspace.errors.InstallError` when it does not compile.
    """
    folder = draft / "lakelet-access"
    folder.mkdir(parents=True)
    (library,) = (spark_home() / "jars").glob("scala-library-*.jar")
    shutil.copyfile(library, folder / library.name)
    compile_scala(workspace, OPENSEARCH_PLUGIN, work, folder, phase, cancelled, workspace.cache.opensearch_home / "lib")
    descriptor = {
        "name": "lakelet-access", "description": "Lakelet's password, and no web pages of other sites",
        "version": version, "opensearch.version": version, "java.version": "21",
        "classname": "lakelet.access.AccessPlugin",
    }  # fmt: skip
    text = "".join(f"{name}={value}\n" for name, value in descriptor.items())
    (folder / "plugin-descriptor.properties").write_text(text)


def _explain(name: str, argv: Sequence[str], tail: Sequence[str]) -> str:
    said = next((line for line in tail if "error" in line), (list(tail) or ["no output"])[-1])
    return f"{name} does not compile here ({said[:200]}): put that right, and {AGAIN}."

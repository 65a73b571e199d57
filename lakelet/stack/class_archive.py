"""A class-data archive for Spark: its classes parsed once, not at the start of every driver, executor and daemon.

With it a JVM of Spark's needs about half the CPU seconds to start. The JDK writes one at the end of a run that loaded
the classes (JEP 350), so we run a small Spark program that does what jobs do. An archive fits one class path only.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from jobs.spark import spark_environment, submit_argv
from lakelet.stack import training
from lakelet.stack.download import AGAIN
from lakelet.stack.steps import run_step
from workspace.paths import Workspace


def make_archive(
    workspace: Workspace, work: Path, target: Path, phase: Callable[[str], None], cancelled: threading.Event
) -> None:
    """Run the training program in ``work``, and leave the archive in ``target``.

    Raises :class:`~workspace.errors.InstallError` when Spark does not run here.
    """
    phase("teaching it Spark's classes")
    conf = {
        "spark.master": "local[2]",
        "spark.ui.port": "0",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": work.as_uri(),
        "spark.sql.shuffle.partitions": "2",
        "spark.hadoop.fs.s3a.endpoint": "http://127.0.0.1:1",
        "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
        "spark.hadoop.fs.s3a.attempts.maximum": "1",
        "spark.hadoop.fs.s3a.retry.limit": "0",
        "spark.hadoop.fs.s3a.path.style.access": "true",
    }
    argv = submit_argv(workspace, training.__file__, [str(work / "data")], conf=conf)
    java, *rest = argv
    environment = os.environ | spark_environment(workspace)
    environment |= {
        "SPARK_CONF_DIR": str(work),
        "SPARK_LOCAL_DIRS": str(work),
        "AWS_ACCESS_KEY_ID": "training",
        "AWS_SECRET_ACCESS_KEY": "training",
    }
    run_step([java, f"-XX:ArchiveClassesAtExit={target}", *rest], work, environment, cancelled, _explain)


def _explain(argv: Sequence[str], tail: Sequence[str]) -> str:
    errors = [line for line in tail if "Error" in line or "Exception" in line]
    said = (errors or list(tail) or ["no output"])[-1]
    return f"Spark does not run on this machine ({said[:200]}): put that right, and {AGAIN}."

"""Spark's daemon of Python workers, whose output goes to the executor's log file itself.

By default, what a task prints goes through two pipes, each with a thread that reads it: the executor's, which dies with
the JVM, and the Spark worker's, which reads at most one more piece once it ends the executor. Both end as soon as the
driver has its results, so the last lines can be lost. Here a print is in the file when it returns. Spark starts this
module by ``spark.python.daemon.module``.
"""

from __future__ import annotations

import os
from pathlib import Path

from pyspark.daemon import manager

EXECUTOR_VARIABLE = "SPARK_LOG_URL_STDERR"  # of executors, which run in the folder of their logs


def write_to_log(folder: Path) -> None:
    """Lead this process's stderr to an executor's log in ``folder``; left as it is where there is none."""
    try:
        log = os.open(folder / "stderr", os.O_WRONLY | os.O_APPEND)
    except FileNotFoundError:
        return
    os.dup2(log, 2)
    os.close(log)


if __name__ == "__main__":
    if EXECUTOR_VARIABLE in os.environ:
        write_to_log(Path.cwd())
    manager()  # type: ignore[no-untyped-call]

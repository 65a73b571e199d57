"""Scans of catalog tables, and their restart: a table that is replaced while it is read is read anew, once.

Spark plans a read early (it lists the files when the DataFrame is made) and reads late. When a publish removes files in
between, the action fails; then the plan is rebuilt upon a new listing of the tables that have changed, and the action
is repeated, as long as nothing that the run made of the old rows has been published (design.md §2a, docs/adr/0009).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from lakelet.data.formats import CSV
from lakelet.data.objects import StoredObject, list_objects, s3_client
from lakelet.data.zones import split_uri
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.grants import Visible, visible
from lakelet.etl.publishing import patience, run_id
from lakelet.etl.sail import engine
from lakelet.etl.tables import CatalogTable
from lakelet.workspace.control import call
from lakelet.workspace.errors import PublishError
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Result = TypeVar("Result")
TRIES = 5
_VANISHED = ("FileNotFoundException", "FILE_NOT_EXIST", "RemoteFileChangedException")
_RELATION, _OF_FILES = "LogicalRelation", "HadoopFsRelation"


@dataclass(frozen=True)
class Snapshot:
    """A table as it was read: its definition, the folders listed, and the frame made of them.

    ``regular`` says that partition values come from the folders' names, not from the plan. ``objects`` are the files,
    ``text`` is the column that has whole lines of them (attachText).
    """

    table: CatalogTable
    folders: Sequence[str]
    regular: bool
    frame: DynamicFrame
    objects: Sequence[StoredObject] = ()
    text: str = ""


def read_settled(workspace: Workspace, database: str, name: str, read: Callable[[], Snapshot]) -> tuple[int, Snapshot]:
    """Read a table in one of its states: ``read`` lists its files, and is repeated when the table was published to
    meanwhile. Returns the table's sequence, too. The frame has what the run may read of the table
    (:mod:`lakelet.etl.grants`).

    Raises PublishError for a table that never rests, ServiceUnavailableException while a publish cannot be finished,
    AccessDeniedException for a table that the run may read nothing of.
    """
    for _ in range(TRIES):
        before, _ = _asked(workspace, database, name, select=True)
        try:
            snapshot = read()
        except Exception:  # a folder may have gone between two listings of it
            if _sequence(workspace, database, name) == before:
                raise
            continue
        after, told = _asked(workspace, database, name, select=True, run_id=run_id())
        if after == before:
            return before, replace(snapshot, frame=visible(snapshot.frame, told, snapshot.text))
    raise PublishError(f"The table {database}.{name} is being changed all the time: run it again.")


def read_elsewhere(workspace: Workspace, database: str, name: str, read: Callable[[], DynamicFrame]) -> DynamicFrame:
    """Read a table that is not in the lake: what the run may read of it, noted for the run's lineage.

    Raises AccessDeniedException.
    """
    _, told = _asked(workspace, database, name, select=True, run_id=run_id())
    return visible(read(), told)


def note_reading(workspace: Workspace, database: str, name: str) -> None:
    """Note for the run's lineage that it reads a table."""
    _asked(workspace, database, name, run_id=run_id())


def _sequence(workspace: Workspace, database: str, name: str) -> int:
    return _asked(workspace, database, name)[0]


def _asked(workspace: Workspace, database: str, name: str, **more: Any) -> tuple[int, Visible | None]:
    """The table's sequence, and with ``select`` what the run may read of it, None for all; ``run_id`` is the run that
    has read the table, for its lineage."""
    body = {"database": database, "table": name, **more}
    answer = call(workspace, "POST", "sequence", body, patience=patience(), repeatable=True)
    return int(answer["sequence"]), answer.get("visible")


@dataclass
class _Scan:
    """One read of the script: how to do it again, its state, and its places in plans by what Spark listed then."""

    again: Callable[[], tuple[int, Snapshot]]
    sequence: int
    snapshot: Snapshot
    places: Sequence[Any]  # Java FileIndexes in the plans of the script, held so that no other takes their identity


class Scans:
    """The reads of one script; all its actions that Lakelet itself starts go through :meth:`run`."""

    def __init__(self) -> None:
        self._scans: list[_Scan] = []
        self._pinned: list[tuple[Sequence[StoredObject], Callable[[], Sequence[StoredObject]]]] = []
        self._moved: dict[int, Any] = {}  # from a place in the script's plans to what it is read from now
        self._published = False

    def add(self, again: Callable[[], tuple[int, Snapshot]]) -> DynamicFrame:
        """Read a table for the first time."""
        sequence, snapshot = again()
        frame = snapshot.frame
        places = [] if engine.active() else [_place(leaf) for leaf in _leaves(frame.raw)]
        self._scans.append(_Scan(again, sequence, snapshot, places))
        return frame

    def pin(self, objects: Sequence[StoredObject], again: Callable[[], Sequence[StoredObject]]) -> None:
        """Have actions on Sail fail that read one of these objects when ``again`` does not list it as it was."""
        self._pinned.append((objects, again))

    def require_objects(self, plan: bytes) -> None:
        """What every action on Sail ends with: Sail reads the files that were listed, and goes without those that are
        gone by then. Raises PublishError for such files in the action's plan, and for pinned ones that were replaced.
        """
        for objects, again in self._pinned:
            if any(one.key.encode() in plan for one in objects) and (gone := set(objects).difference(again())):
                first = min(one.uri for one in gone)
                raise PublishError(f"{first} was replaced or deleted while it was read: run it again.")
        for scan in self._scans:
            if not any(one.key.encode() in plan for one in scan.snapshot.objects):
                continue
            table = scan.snapshot.table
            now = _sequence(table.workspace, table.database, table.name)
            if now == scan.sequence:
                continue
            there = {one.uri for one in _listed(table, scan.snapshot.folders)}
            if not there.issuperset(one.uri for one in scan.snapshot.objects):
                raise PublishError(f"Objects of {table} have been replaced while they were read: run it again.")
            scan.sequence = now

    def published(self) -> None:
        """From now on rows of the old tables are visible to others: nothing may be read anew to go with them."""
        self._published = True

    def run(self, rows: DataFrame, action: Callable[[DataFrame], Result], what: str) -> Result:
        """Run an action on ``rows``, and once more when files vanished under it. ``what`` names its purpose.

        An action that has had an effect must not mind being repeated. Raises PublishError when the files are gone and
        it cannot be repeated.
        """
        try:
            return action(self.current(rows))
        except (PySparkException, Py4JJavaError) as error:
            if not _vanished(error):
                raise
            self._restart(error, what)
        try:
            return action(self.current(rows))
        except (PySparkException, Py4JJavaError) as error:
            if not _vanished(error):
                raise
            raise _replaced(what, "once more while it was read anew", error) from error

    def _restart(self, error: Exception, what: str) -> None:
        """Have the tables that changed read anew."""
        if self._published:
            raise _replaced(what, "and a part of this run's output is published already", error) from error
        changed = []
        for scan in self._scans:
            sequence, snapshot = scan.again()
            if sequence != scan.sequence:
                if why := _incomparable(scan.snapshot, snapshot):
                    raise _replaced(what, f"and {snapshot.table} {why}", error) from error
                changed.append((scan, sequence, snapshot))
        if not changed:
            raise _replaced(what, "by something else than a publish to a table", error) from error
        for scan, sequence, snapshot in changed:
            scan.sequence, scan.snapshot = sequence, snapshot
            for place, leaf in zip(scan.places, _leaves(snapshot.frame.raw), strict=True):
                self._moved[_identity(place)] = _place(leaf)
        for table in sorted({str(snapshot.table) for _, _, snapshot in changed}):
            print(f"{table} was replaced while it was read: reading it anew.", flush=True)

    def current(self, rows: DataFrame) -> DataFrame:
        """The rows, read from what the tables are now as far as they had to be read anew."""
        if not self._moved:
            return rows
        from pyspark.sql.classic.dataframe import DataFrame as ClassicDataFrame

        session: Any = rows.sparkSession
        plan = self._rebuilt(_plan(rows), session)
        return ClassicDataFrame(
            session._jvm.org.apache.spark.sql.classic.Dataset.ofRows(session._jsparkSession, plan), session
        )

    def _rebuilt(self, plan: Any, session: Any) -> Any:
        if _is_relation(plan):
            place = self._moved.get(_identity(_place(plan)))
            if place is None:
                return plan
            old = plan.relation()
            relation = old.copy(
                place, old.partitionSchema(), old.dataSchema(), old.bucketSpec(), old.fileFormat(), old.options(),
                old.sparkSession(),
            )  # fmt: skip
            return plan.copy(relation, plan.output(), plan.catalogTable(), plan.isStreaming(), plan.stream())
        children = _items(plan.children())
        if not children:
            return plan
        return plan.withNewChildren(
            session._jvm.PythonUtils.toSeq([self._rebuilt(child, session) for child in children])
        )


def _listed(table: CatalogTable, folders: Sequence[str]) -> Iterator[StoredObject]:
    client = s3_client(table.workspace)
    for folder in folders:
        yield from list_objects(client, *split_uri(folder))


def _incomparable(old: Snapshot, new: Snapshot) -> str:
    """Why a plan made for one state of a table cannot be used for another; empty when it can."""
    if old.table.format is CSV:
        return "is CSV, whose types were decided by the old rows"
    shapes = [(t.table.columns, t.table.partition_keys, t.table.format, t.table.location) for t in (old, new)]
    if shapes[0] != shapes[1]:
        return "has another definition now"
    if not (old.regular and new.regular) and list(old.folders) != list(new.folders):
        return "has other partitions now, in folders that do not tell their values"
    if bool(old.folders) != bool(new.folders):
        return "has become empty, or was"
    return ""


def _replaced(what: str, detail: str, error: Exception) -> PublishError:
    return PublishError(
        f"Objects that were being read for {what} have been replaced meanwhile, {detail}: run it again."
    )


def _vanished(error: Exception) -> bool:
    return any(name in str(error) for name in _VANISHED)


# -- Spark's plans, which Python sees through py4j only ------------------------------------------------------------


def _plan(rows: DataFrame) -> Any:
    frame: Any = rows
    return frame._jdf.queryExecution().analyzed()


def _leaves(rows: DataFrame) -> list[Any]:
    return [leaf for leaf in _items(_plan(rows).collectLeaves()) if _is_relation(leaf)]


def _is_relation(plan: Any) -> bool:
    """Whether files are read there; a database's tables are relations too."""
    return bool(
        plan.getClass().getSimpleName() == _RELATION and plan.relation().getClass().getSimpleName() == _OF_FILES
    )


def _place(leaf: Any) -> Any:
    return leaf.relation().location()


def _identity(java_object: Any) -> int:
    from pyspark import SparkContext

    jvm: Any = SparkContext._jvm
    return int(jvm.java.lang.System.identityHashCode(java_object))


def _items(seq: Any) -> list[Any]:
    return [seq.apply(index) for index in range(seq.size())]

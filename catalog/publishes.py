"""Publishes: how a write becomes visible, all of it or nothing, whoever is killed in the middle.

    OPEN ──commit──► COMMITTED ──applied──► APPLIED
      └────abort───► ABORTED   └──give up─► GIVEN_UP

A writer stages its objects, then commits one manifest. The commit point is one transaction of the state database:
manifest, table, partitions, and the sequence number that lets one of two writers win. Copying in and deleting out
follow, are idempotent, and are finished by the control process if anybody dies (design.md §2a).
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from lakelet.catalog.giving_up import drop_empty_partitions, first_of, in_words
from lakelet.catalog.model import fold
from lakelet.catalog.publish_records import (
    ABORTED,
    APPLIED,
    COMMITTED,
    GIVEN_UP,
    OPEN,
    OUTCOME,
    PLACE,
    Publish,
    publishes,
    recorded,
)
from lakelet.catalog.staging import Staging
from lakelet.catalog.store import CatalogStore
from lakelet.data.objects import s3_client
from lakelet.data.publish import STAGING_PREFIX, Manifest, apply, check_staged, location_prefix, outcome
from lakelet.data.table_formats import refuse_as_files
from lakelet.data.zones import uri
from lakelet.workspace.errors import (
    ConcurrentModificationException,
    EntityNotFoundException,
    InvalidInputException,
    LakeletError,
    PublishError,
)
from lakelet.workspace.paths import Workspace
from lakelet.workspace.state import may_wait, reading, writing

log = logging.getLogger(__name__)

RETRY_SECONDS = (0.5, 1, 2, 5)


class Publishes:
    """Begins, commits, applies and aborts publishes; one per control process, safe to call from many threads."""

    def __init__(self, engine: sa.Engine, catalog: CatalogStore, workspace: Workspace) -> None:
        self._engine = engine
        self._catalog = catalog
        self._workspace = workspace
        self._s3 = s3_client(workspace)
        self._staging = Staging(engine, self._s3)
        self._applying: dict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)
        self._refusals: dict[tuple[str, str], str] = {}  # why what is pending could not be applied, at the last try
        self._pending = self._committed_keys()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._finish, name="publishes", daemon=True)

    def start(self) -> None:
        """Begin to finish what was committed, now and whenever an apply failed."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what it did not finish, the next control process does."""
        self._stopped.set()
        self._wake.set()
        self._thread.join(timeout=30)

    # -- a publish's life --------------------------------------------------------------------------------------

    def begin(
        self, run_id: str, database: str | None, table: str | None, location: str, token: str = ""
    ) -> dict[str, Any]:
        """Open a publish: ``{publish_id, staging, sequence, opened}``; asked again with its ``token``, the same one.

        ``opened`` is when, in milliseconds since 1970; no two publishes that are known have the same.

        Raises InvalidInputException for what cannot be published to, EntityNotFoundException for an unknown database.
        """
        bucket, prefix = location_prefix(location)
        if bool(database) != bool(table):
            raise InvalidInputException("A publish names a database and a table, or neither.")
        for what, word in (("run id", run_id), ("token", token or "none")):
            if not word or not all(char.isalnum() or char in "_-" for char in word):
                raise InvalidInputException(f"{word!r} is no {what}.")
        key = (fold(database), fold(table)) if database and table else (PLACE, uri(bucket, prefix))
        publish_id = "pub_" + (token or secrets.token_hex(12))
        staging = f"{STAGING_PREFIX}{run_id}/{publish_id}/"
        with writing(self._engine) as connection:
            if key[0] != PLACE and (found := self._catalog.check_writable(connection, *key)):
                refuse_as_files(found.definition, ".".join(key))
            sequence = self._catalog.sequence(connection, *key)
            latest = connection.execute(sa.select(sa.func.max(publishes.c.opened_at))).scalar() or 0.0
            opened = max(round(time.time() * 1000), round(latest * 1000) + 1)
            row = {
                "id": publish_id, "run_id": run_id, "database_name": key[0], "table_name": key[1], "bucket": bucket,
                "location": uri(bucket, prefix), "staging": staging, "state": OPEN, "staged": True,
                "opened_at": opened / 1000,
            }  # fmt: skip
            known = connection.execute(sa.select(publishes).where(publishes.c.id == publish_id)).mappings().first()
            if known is None:
                connection.execute(publishes.insert().values(row))
            elif {**row, "opened_at": known["opened_at"]}.items() - known.items():
                raise InvalidInputException(f"{token} is the token of another publish: make up one for each.")
            else:
                opened = round(known["opened_at"] * 1000)
        return {"publish_id": publish_id, "staging": uri(bucket, staging), "sequence": sequence, "opened": opened}

    def commit(
        self,
        publish_id: str,
        *,
        add: Any = (),
        remove: Any = (),
        partitions: Sequence[Mapping[str, Any]] = (),
        remove_partitions: Sequence[Sequence[str]] = (),
        table_input: Mapping[str, Any] | None = None,
        sequence: int,
        wait_seconds: float = 300,
    ) -> str:
        """Commit, then apply; returns the state: APPLIED, or COMMITTED when the store stayed down for
        ``wait_seconds`` (the control process goes on).

        The same commit may be sent again, by a writer that lost the answer. Raises ConcurrentModificationException
        for a stale sequence, InvalidInputException for a manifest that reaches beyond its location or lacks a staged
        object; nothing is changed then, and the publish is still open.
        """
        publish = self.get(publish_id)
        manifest = Manifest.from_request(publish.location, publish.staging, add, remove)
        if publish.state in (COMMITTED, APPLIED, GIVEN_UP):
            if publish.manifest != manifest:
                raise InvalidInputException(f"Publish {publish_id} is committed already, with another manifest.")
        else:
            if publish.state == OPEN:
                check_staged(self._s3, manifest)
            self._commit(publish, manifest, partitions, remove_partitions, table_input, sequence)
        return self._wait_applied(publish, wait_seconds)

    def _commit(
        self,
        publish: Publish,
        manifest: Manifest,
        partitions: Sequence[Mapping[str, Any]],
        remove_partitions: Sequence[Sequence[str]],
        table_input: Mapping[str, Any] | None,
        sequence: int,
    ) -> None:
        database, name = publish.key
        if database == PLACE and (partitions or remove_partitions or table_input):
            raise InvalidInputException(f"A publish to {publish.location} has no table, so it takes no partitions.")
        if table_input is not None and fold(str(table_input.get("Name", ""))) != name:
            raise InvalidInputException(f"The publish is to {publish.target}, not to {table_input.get('Name')}.")
        with writing(self._engine) as connection:
            committed = self._advance(connection, publish, sequence)
            if table_input is not None:
                self._catalog.put_table(connection, database, table_input)
            if partitions or remove_partitions:
                table = self._catalog.table(connection, database, name)
                self._catalog.delete_partitions(connection, table, remove_partitions)
                self._catalog.put_partitions(connection, table, partitions)
            changed = connection.execute(
                publishes.update()
                .where(publishes.c.id == publish.id, publishes.c.state == OPEN)
                .values(state=COMMITTED, manifest=manifest.to_json(), committed=committed)
            )
            if not changed.rowcount:
                raise InvalidInputException(f"Publish {publish.id} to {publish.target} is no longer open.")
            # Before the commit becomes visible: no reader may see the new table and not know that it is pending.
            self._pending.add(publish.key)

    def _advance(self, connection: sa.Connection, publish: Publish, sequence: int) -> int:
        try:
            return self._catalog.advance(connection, *publish.key, expected=sequence)
        except ConcurrentModificationException as error:
            if publish.key[0] != PLACE:
                raise
            raise ConcurrentModificationException(
                f"{publish.location} was changed by another publish: read it again and retry."
            ) from error

    def _wait_applied(self, publish: Publish, wait_seconds: float) -> str:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                self._apply_all(publish.key)
            except LakeletError as error:
                log.warning("Publish %s to %s is not applied yet: %s", publish.id, publish.target, error)
                self._wake.set()
                if time.monotonic() > deadline or self._stopped.wait(RETRY_SECONDS[0]):
                    return COMMITTED
            else:
                ended = self.get(publish.id)
                if ended.state == GIVEN_UP:
                    raise PublishError(f"What was published to {publish.target} was given up. {ended.outcome}")
                return APPLIED

    def abort(self, publish_id: str) -> None:
        """Give an open publish up and drop what it staged; one that is aborted already stays so.

        Raises EntityNotFoundException, InvalidInputException for one that is committed.
        """
        publish = self.get(publish_id)
        if not self._abort(publish) and self.get(publish_id).state != ABORTED:
            raise InvalidInputException(f"Publish {publish_id} to {publish.target} is committed: it stays.")

    def get(self, publish_id: str) -> Publish:
        """One publish. Raises EntityNotFoundException."""
        found = recorded(self._engine, publishes.c.id == publish_id)
        if not found:
            raise EntityNotFoundException(f"Publish {publish_id} does not exist.")
        return found[0]

    # -- for readers -------------------------------------------------------------------------------------------

    def settle(self, database: str, table: str) -> None:
        """Finish what was committed to a table, so that its data is what the catalog says.

        Costs nothing when there is nothing. Raises ServiceUnavailableException while the object store is down,
        PublishError when it refuses.
        """
        if (key := (fold(database), fold(table))) in self._pending:
            may_wait()
            self._apply_all(key)

    def sequence(self, database: str, table: str) -> int:
        """The table's sequence, once what was committed up to it is applied. Asked before and after a listing of the
        table's files, it tells whether the listing is one state of the table: nothing was committed in between.

        The table need not exist. Raises as :meth:`settle`.
        """
        with reading(self._engine) as connection:
            found = self._catalog.sequence(connection, database, table)
        self.settle(database, table)
        return found

    # -- for people --------------------------------------------------------------------------------------------

    def unsettled(self) -> list[tuple[Publish, str]]:
        """The publishes that are open or committed, and those given up, in the order in which they were opened; each
        with why it could not be applied when that was last tried, or what became of it when it was given up."""
        found = recorded(self._engine, publishes.c.state.in_([OPEN, COMMITTED, GIVEN_UP]))
        return [(one, self._refusals.get(one.key, "") if one.state == COMMITTED else one.outcome) for one in found]

    def give_up(self, publish_id: str) -> str:
        """Stop trying to apply a committed publish that the object store refuses; returns what was carried out of it
        and what was not, in words. The catalog is made to say no more than that: partitions without files go.

        It is tried once more first. Raises EntityNotFoundException, InvalidInputException when it is not committed or
        could be applied after all, ServiceUnavailableException while the store is down: then nobody can tell.
        """
        publish = self.get(publish_id)
        with self._applying[publish.key]:
            publish = first_of(self._committed(publish.key), self.get(publish_id))
            assert publish.manifest is not None  # noqa: S101 - written by the commit itself
            try:
                apply(self._s3, publish.manifest)
            except PublishError as error:
                refusal = str(error)
            else:
                self._wake.set()
                raise InvalidInputException(
                    f"Publish {publish.id} to {publish.target} can be applied by now: there is nothing to give up."
                )
            found = outcome(self._s3, publish.manifest, since=publish.opened_at)
            with writing(self._engine) as connection:
                dropped = drop_empty_partitions(connection, self._catalog, publish, found)
                said = in_words(publish, found, dropped, refusal)
                connection.execute(
                    publishes.update()
                    .where(publishes.c.id == publish.id)
                    .values(state=GIVEN_UP, ended_at=time.time(), manifest=publish.manifest.to_json() | {OUTCOME: said})
                )
        log.warning("Publish %s to %s was given up. %s", publish.id, publish.target, said)
        self._wake.set()  # what else is pending there, and the staging
        return said

    # -- for the runner ----------------------------------------------------------------------------------------

    def abort_run(self, run_id: str, ended_at: float = 0.0) -> list[str]:
        """Abort what an ended run left open; returns what those writes were to.

        Asked again it answers the same: what was aborted since ``ended_at``, when the driver ended, was left open by
        it. What the driver gave up itself, before that, is no loss. What other runs staged too late goes as well.
        """
        self._staging.drop_leftovers()
        for publish in self._of_run(run_id, publishes.c.state == OPEN):
            self._abort(publish)
        left = (publishes.c.state == ABORTED, publishes.c.ended_at >= ended_at)
        return [publish.target for publish in self._of_run(run_id, *left)]

    def unfinished(self, run_id: str) -> dict[str, str]:
        """What a run committed that could not be applied yet, after trying once more: what each write was to, and
        why the object store refuses it, which is empty while the store is only down."""
        refused: dict[str, str] = {}
        for publish in self._of_run(run_id, publishes.c.state == COMMITTED):
            try:
                self._apply_all(publish.key)
            except LakeletError as error:
                log.warning("Publish %s to %s is not applied yet: %s", publish.id, publish.target, error)
                refused[publish.id] = str(error) if isinstance(error, PublishError) else ""
                self._wake.set()
        left = self._of_run(run_id, publishes.c.state.in_([COMMITTED, GIVEN_UP]))
        return {one.target: one.outcome or refused.get(one.id, "") for one in left}

    def applied(self, run_id: str) -> list[str]:
        """What a run has published, each table or location once."""
        return list(dict.fromkeys(one.target for one in self._of_run(run_id, publishes.c.state == APPLIED)))

    def collect(self, live: Collection[str], older_than_seconds: float) -> int:
        """Abort the open publishes of runs that are not ``live`` and were opened long ago (a notebook's, say), and
        drop the staging that aborts could not; returns how many were aborted."""
        cutoff = time.time() - older_than_seconds
        stale = recorded(self._engine, publishes.c.state == OPEN, publishes.c.opened_at < cutoff)
        aborted = sum(self._abort(publish) for publish in stale if publish.run_id not in live)
        self._staging.drop_leftovers()
        return aborted

    # -- applying ----------------------------------------------------------------------------------------------

    def finish_pending(self) -> bool:
        """Apply everything committed and drop what staging is left over; returns whether nothing is left."""
        done = True
        for key in list(self._pending):
            try:
                self._apply_all(key)
            except LakeletError as error:
                log.warning("What was published to %s is not applied yet: %s", ".".join(key).lstrip("."), error)
                done = False
        return self._staging.drop_leftovers() and done

    def _finish(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                failures = 0 if self.finish_pending() else failures + 1
            except Exception:  # the thread must outlive whatever went wrong with one publish
                log.exception("Publishes could not be finished; trying again")
                failures += 1
            if failures:
                self._stopped.wait(RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1])
            else:
                self._wake.wait()

    def _apply_all(self, key: tuple[str, str]) -> None:
        """Apply what is committed to one table or location, in the order of the commits, one at a time."""
        with self._applying[key]:
            for publish in self._committed(key):
                assert publish.manifest is not None  # noqa: S101 - written by the commit itself
                try:
                    apply(self._s3, publish.manifest)
                except LakeletError as error:
                    self._refusals[key] = str(error)
                    raise
                # Only now: a publish that is applied needs its staging no more, one that is not cannot lack it.
                self._end(publish, COMMITTED, APPLIED)
                self._drop(publish)
            with writing(self._engine):  # no commit can come between the look and the forgetting
                if key not in self._committed_keys():
                    self._pending.discard(key)
                    self._refusals.pop(key, None)

    def _committed(self, key: tuple[str, str]) -> list[Publish]:
        there = (publishes.c.database_name == key[0], publishes.c.table_name == key[1])
        return recorded(self._engine, publishes.c.state == COMMITTED, *there, order=publishes.c.committed)

    def _abort(self, publish: Publish) -> bool:
        if not self._end(publish, OPEN, ABORTED):
            return False
        self._drop(publish)
        return True

    def _end(self, publish: Publish, state: str, following: str) -> bool:
        with writing(self._engine) as connection:
            changed = connection.execute(
                publishes.update()
                .where(publishes.c.id == publish.id, publishes.c.state == state)
                .values(state=following, ended_at=time.time())
            )
        return bool(changed.rowcount)

    def _drop(self, publish: Publish) -> None:
        if not self._staging.drop(publish):
            self._wake.set()

    def _of_run(self, run_id: str, *conditions: sa.ColumnElement[bool]) -> list[Publish]:
        return recorded(self._engine, publishes.c.run_id == run_id, *conditions)

    def _committed_keys(self) -> set[tuple[str, str]]:
        return {one.key for one in recorded(self._engine, publishes.c.state == COMMITTED)}

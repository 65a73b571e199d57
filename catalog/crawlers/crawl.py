"""One crawl, from listing to registration: the process that StartCrawler starts.

    python -m lakelet.catalog.crawlers.crawl CRAWLER

It is a client of the wire and of the object store; it prints what it does, and leaves ``crawl.json`` (what it changed)
in its run's folder. Exit 0, or 1 with one sentence on stderr.
"""

from __future__ import annotations

import bisect
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from lakelet.catalog.crawlers import RESULT_FILE
from lakelet.catalog.crawlers.custom import CustomClassifier
from lakelet.catalog.crawlers.grouping import FoundTable, find_tables
from lakelet.catalog.crawlers.iceberg import FoundIceberg, IcebergTarget, find_iceberg
from lakelet.catalog.crawlers.jdbc import JdbcTable, JdbcTarget, find_jdbc_tables
from lakelet.catalog.crawlers.listing import Target, list_target, only_new, to_read
from lakelet.catalog.crawlers.policy import Policy
from lakelet.catalog.crawlers.register import Changes, Register, counted
from lakelet.catalog.crawlers.sampling import read_samples
from lakelet.catalog.glue import Glue
from lakelet.catalog.iceberg.metadata import is_iceberg
from lakelet.data.objects import StoredObject, s3_client
from lakelet.workspace.errors import LakeletError, ServiceUnavailableException, UsageError
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import Workspace

_NOTES_SHOWN = 20  # of each target; the rest is counted


def crawl(workspace: Workspace, name: str, say: Callable[[str], None] = print) -> Changes:
    """Crawl every target of a crawler and register what is there.

    Raises :class:`~lakelet.workspace.errors.LakeletError`.
    """
    glue, s3 = Glue(workspace), s3_client(workspace)
    crawler = glue.call("GetCrawler", Name=name)["Crawler"]
    custom = [
        CustomClassifier.of(glue.call("GetClassifier", Name=one)["Classifier"])
        for one in crawler.get("Classifiers") or ()
    ]
    if catalogued := crawler["Targets"].get("CatalogTargets"):
        return _crawl_tables(glue, crawler, catalogued, partial(_read, s3, custom, say), say)
    policy = Policy.of(crawler)
    register = Register(glue, crawler, policy, say)
    targets = [Target.of(one) for one in crawler["Targets"].get("S3Targets", ())]
    databases = [
        (target, _read_database(glue, target, say))
        for target in map(JdbcTarget.of, crawler["Targets"].get("JdbcTargets", ()))
    ]
    lakes = [
        (target, _read_iceberg(s3, target, say))
        for given in crawler["Targets"].get("IcebergTargets", ())
        for target in IcebergTarget.all_of(given)
    ]
    folders = register.folders() if policy.incremental else None
    uris: list[str] = []
    found: list[FoundTable] = []
    for target in targets:
        objects, tables = _read(s3, custom, say, target, policy, folders)
        uris += [item.uri for item in objects]
        found += tables
    count = len(found) + sum(len(inside) for _, inside in databases) + sum(len(inside) for _, inside in lakes)
    if policy.threshold is not None and count > policy.threshold:
        raise UsageError(
            f"The crawl found {counted(count, 'table')}, more than the TableThreshold of {policy.threshold}: "
            "nothing was written."
        )
    # Only now is anything written: a target that cannot be read leaves the catalog as it was.
    register.open()
    for table in found:
        register.write(table)
    uris.sort()
    for one, inside in databases:
        for each in inside:
            register.write_jdbc(one.connection, each)
    for _, tables_there in lakes:
        for one_table in tables_there:
            register.write_iceberg(one_table)
    roots = tuple(target.uri for target in targets)
    if policy.incremental:
        return register.changes
    if roots:
        register.gone(
            lambda table: not is_iceberg(table) and table["StorageDescriptor"]["Location"].startswith(roots),
            lambda location: _any_below(uris, location),
        )
    if lakes:
        paths = tuple(target.uri for target, _ in lakes)
        kept = {one_table.metadata.location for _, inside in lakes for one_table in inside}
        register.gone(
            lambda table: is_iceberg(table) and f"{table['StorageDescriptor']['Location']}/".startswith(paths),
            kept.__contains__,
        )
    if databases:
        there = {table.location for _, tables in databases for table in tables}
        register.gone(partial(_in_databases, [target for target, _ in databases]), there.__contains__)
    return register.changes


def _read(
    s3: Any,
    custom: Sequence[CustomClassifier],
    say: Callable[[str], None],
    target: Target,
    policy: Policy,
    folders: set[str] | None = None,
) -> tuple[list[StoredObject], list[FoundTable]]:
    """What lies in a target, and its tables; of ``folders`` that were seen before, nothing is read again."""
    objects: list[StoredObject] = _reached(target, partial(list_target, s3, target, lambda it: say(f"Note: {it}")))
    say(f"Listed {counted(len(objects), 'object')} ({_megabytes(objects)}) in {target.uri}.")
    chosen = to_read(target, objects)
    if folders is not None:
        chosen = only_new(target, chosen, folders)
    samples = _reached(target, partial(read_samples, s3, chosen, custom))
    tables, notes = find_tables(target, objects, samples, combine=policy.combine, level=policy.level)
    say(f"Read {counted(len(chosen), 'object')}: {counted(len(tables), 'table')}.")
    for note in notes[:_NOTES_SHOWN]:
        say(f"Note: {note}")
    if len(notes) > _NOTES_SHOWN:
        say(f"Note: and {len(notes) - _NOTES_SHOWN} more such notes.")
    return objects, tables


def _crawl_tables(
    glue: Glue,
    crawler: dict[str, Any],
    catalogued: Sequence[dict[str, Any]],
    read: Callable[[Target, Policy], tuple[list[StoredObject], list[FoundTable]]],
    say: Callable[[str], None],
) -> Changes:
    """Bring tables that are there up to date with what lies at their locations; none is made, none is taken away."""
    policy = replace(Policy.of(crawler), combine=True)
    work: list[tuple[Register, str, list[FoundTable]]] = []
    changes = Changes()
    for wanted in catalogued:
        register = Register(glue, crawler | {"DatabaseName": wanted["DatabaseName"]}, policy, say, changes)
        for name in wanted["Tables"]:
            table = glue.call("GetTable", DatabaseName=wanted["DatabaseName"], Name=name)["Table"]
            target = Target.of({"Path": table.get("StorageDescriptor", {}).get("Location", "")})
            work.append((register, table["Name"], read(target, policy)[1]))
    for register, name, found in work:
        register.open()
        for one in found[:1]:
            register.write(one, name)
        if not found:
            say(f"Warning: nothing that can be read lies at the location of {name}.")
    return changes


def _read_iceberg(s3: Any, target: IcebergTarget, say: Callable[[str], None]) -> list[FoundIceberg]:
    found: list[FoundIceberg] = _reached(target, lambda: list(find_iceberg(s3, target, lambda it: say(f"Note: {it}"))))
    say(f"Found {counted(len(found), 'Iceberg table')} in {target.uri}.")
    return found


def _read_database(glue: Glue, target: JdbcTarget, say: Callable[[str], None]) -> list[JdbcTable]:
    connection = glue.call("GetConnection", Name=target.connection)["Connection"]
    if connection["ConnectionType"] != "JDBC":
        raise UsageError(f"The connection {target.connection} is not of the type JDBC: name one that is.")
    tables = find_jdbc_tables(connection["ConnectionProperties"], target)
    say(f"Found {counted(len(tables), 'table')} in {'/'.join(target.path)} of the connection {target.connection}.")
    return tables


def _in_databases(targets: Sequence[JdbcTarget], table: dict[str, Any]) -> bool:
    """Whether a table of the catalog came from where one of these targets looks."""
    connection = table.get("Parameters", {}).get("connectionName")
    names = table["StorageDescriptor"]["Location"].split(".")
    return any(one.connection == connection and one.reaches(names) for one in targets)


def _reached(target: Target | IcebergTarget, read: Callable[[], Any]) -> Any:
    """What ``read`` answers; the store's own errors become sentences that name the target."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return read()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "NoSuchBucket":
            raise UsageError(
                f"The bucket {target.bucket} does not exist: create it, or correct the crawler's target {target.uri}."
            ) from error
        if code in ("AccessDenied", "403"):
            raise UsageError(f"The object store denies access to {target.uri}.") from error
        raise ServiceUnavailableException(f"The object store could not read {target.uri}: {error}") from error
    except BotoCoreError as error:
        raise ServiceUnavailableException(
            f"The object store does not answer ({error}): see `lakelet status`."
        ) from error


def _any_below(uris: Sequence[str], location: str) -> bool:
    """Whether any of the sorted ``uris`` lies at, or below, a location."""
    if not location.endswith("/") and location in uris[bisect.bisect_left(uris, location) :][:1]:
        return True
    folder = location.rstrip("/") + "/"
    at = bisect.bisect_left(uris, folder)
    return at < len(uris) and uris[at].startswith(folder)


def _megabytes(objects: Sequence[StoredObject]) -> str:
    return f"{sum(item.size for item in objects) / 1e6:,.1f} MB"


def main(arguments: Sequence[str]) -> int:
    """Run one crawl; returns the exit code."""
    if len(arguments) != 1:
        print("usage: python -m lakelet.catalog.crawlers.crawl CRAWLER", file=sys.stderr)
        return 2
    # Between two requests nothing is half done: ending at once is safe.
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(128 + number))
    workspace = Workspace.find()
    began = time.monotonic()
    try:
        changes = crawl(workspace, arguments[0], lambda line: print(line, flush=True))
    except LakeletError as error:
        print(error, file=sys.stderr)
        return 1
    if run_id := os.environ.get("LAKELET_RUN_ID"):
        write_atomic(workspace.runs / run_id / RESULT_FILE, json.dumps(changes.to_json()).encode())
    print(f"Done in {time.monotonic() - began:.1f} s: {_summary(changes)}.")
    return 0


def _summary(changes: Changes) -> str:
    words = []
    for name, count in changes.to_json().items():
        what, _, verb = name.partition("s_")
        if count:
            words.append(f"{counted(count, what)} {verb}")
    return ", ".join(words) or "nothing to change"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

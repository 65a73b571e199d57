"""Ships logs to OpenSearch: a thread of the control process that no run waits for and no run fails by.

What was shipped is remembered per file in ``shipper.json``, written after OpenSearch acknowledged it: what was not
acknowledged is read from the file and sent again, under the same ids. Nothing is held in memory while OpenSearch is
away; the files are the queue.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from opensearchpy import OpenSearch, exceptions

from lakelet.search.client import is_passing, open_client, reason
from lakelet.search.records import MAX_RECORD_BYTES, Line, after_key, opens_key, records
from lakelet.search.redaction import clean
from lakelet.search.rollover import drop_expired, prepare_logs, roll_over
from lakelet.search.sources import LogFile, Sources
from lakelet.search.tail import READ_BYTES, Cursor, read_lines
from lakelet.search.templates import LOG_INDEX
from lakelet.workspace.errors import LakeletError
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import claim_application
from lakelet.workspace.secrets import known_secrets

POLL_SECONDS = 1.0
MAINTENANCE_SECONDS = 60.0
LONGEST_PAUSE = 10.0
STOP_SECONDS = 15.0
BATCH_BYTES = 2 << 20
REQUEST_SECONDS = 10.0

log = logging.getLogger(__name__)

Document = dict[str, Any]


@dataclass
class _Batch:
    """Documents ready to send, and the cursors that are true once they are acknowledged."""

    lines: list[str] = field(default_factory=list)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    size: int = 0

    def add(self, key: str, document: Document) -> None:
        text = json.dumps(document)
        self.lines += (json.dumps({"index": {"_id": key}}), text)
        self.size += len(text)


class LogShipper:
    """Ships a workspace's logs until stopped; :meth:`ship` is one pass, which tests and the thread share."""

    def __init__(self, workspace: Workspace, alias: str = LOG_INDEX) -> None:
        self._workspace = workspace
        self._alias = alias
        self._client: OpenSearch | None = None
        self._sources = Sources(workspace)
        self._secrets = known_secrets(workspace)
        self._store = workspace.state / "shipper.json"
        self._cursors = self._load()
        self._cap = workspace.settings.number("run_output_mb") << 20
        self._prepared = False
        self._maintained = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-shipper", daemon=True)

    def start(self) -> None:
        """Begin to ship, in a thread."""
        # What opensearch-py says about each request would be shipped, and be said again about that.
        logging.getLogger("opensearch").setLevel(logging.CRITICAL)
        self._thread.start()

    def stop(self) -> None:
        """Ship what is there if OpenSearch answers at once, and end; what is left waits for the next start."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)

    # -- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause, away = POLL_SECONDS, False
        while True:
            stopping = self._stop.wait(pause)
            try:
                self.ship()
                if away:
                    log.info("Logs reach OpenSearch again.")
                pause, away = POLL_SECONDS, False
            except Exception as error:  # whatever it is, the control process lives on, and so does shipping
                pause = min(pause * 2, LONGEST_PAUSE)
                if not away:  # said once, or the log of the trouble would feed the trouble
                    log.warning("Logs wait in their files: %s.", _told(error), exc_info=not _expected(error))
                away = True
            if stopping:
                return

    # -- one pass ----------------------------------------------------------------------------------------------

    def ship(self) -> int:
        """Ship what the files say beyond what was shipped; returns the number of documents.

        Raises opensearch-py's exceptions when OpenSearch cannot take them; nothing is lost then.
        """
        client = self._connected()
        if not self._prepared:
            if prepare_logs(client, self._alias):  # an OpenSearch without logs gets all that the files still have
                self._cursors.clear()
            self._prepared = True
        shipped, more = 0, True
        while more:
            more, batch = False, _Batch()
            for file in self._sources.files():
                more |= self._collect(file, batch)
                if batch.size > BATCH_BYTES:
                    shipped += self._flush(client, batch)
                    batch = _Batch()
            shipped += self._flush(client, batch)
            more = more and not self._stop.is_set()
        if time.monotonic() - self._maintained > MAINTENANCE_SECONDS or not self._maintained:
            self._maintain(client)
        return shipped

    def _connected(self) -> OpenSearch:
        if self._client is None:
            self._client = open_client(self._workspace, REQUEST_SECONDS)
        return self._client

    def _collect(self, file: LogFile, batch: _Batch) -> bool:
        """Add a file's new documents to the batch; whether there is more to read at once."""
        cursor = self._cursors.get(file.name, Cursor())
        try:
            limit = self._limit(file, cursor)
            if file.path.stat().st_size == cursor.offset or limit <= 0:
                return False
            reading = read_lines(file.path, cursor, limit)
        except OSError:  # gone, or not ours to read
            return False
        lines, keyed = after_key(reading.lines) if reading.start.keyed else (reading.lines, False)
        found = list(_documents(file, lines, reading.written))
        taken = replace(reading.end, keyed=keyed or (bool(found) and opens_key(found[-1]["message"])))
        if found and not (reading.quiet or reading.more or file.is_events):
            # The last record may still grow (a stack trace, half written): it is left for the next pass.
            last = found.pop()["offset"]
            taken = reading.before(last)
        for document in found:
            if file.fields["source"] == "driver":
                claim_application(file.path.parent, document["message"])
            document["message"] = _cut(clean(document["message"], self._secrets))
            batch.add(self._key(file, taken.generation, document["offset"]), document)
        if taken != cursor:
            batch.cursors[file.name] = taken
        return reading.more

    def _limit(self, file: LogFile, cursor: Cursor) -> int:
        """How many bytes may be read now: while a run goes on, what lies beyond its cap may still be cut off."""
        if not self._cap or file.fields["source"] != "driver" or (file.path.parent / "exit.json").exists():
            return READ_BYTES
        return min(READ_BYTES, self._cap - cursor.offset)

    def _key(self, file: LogFile, generation: int, offset: int) -> str:
        # Workspaces may share one OpenSearch, and the names of their files are the same.
        text = f"{self._workspace.state}\0{file.name}\0{generation}\0{offset}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _flush(self, client: OpenSearch, batch: _Batch) -> int:
        """Send a batch, then remember it as shipped."""
        count = 0
        if batch.lines:
            answer = client.bulk(
                body="\n".join(batch.lines) + "\n",
                index=self._alias,
                params={"require_alias": "true", "filter_path": "errors,items.*.status,items.*.error"},
            )
            count = len(batch.lines) // 2
            if answer["errors"]:
                count -= self._refused([item["index"] for item in answer["items"]])
        if batch.cursors:
            self._cursors |= batch.cursors
            self._save()
        return count

    def _refused(self, items: list[dict[str, Any]]) -> int:
        """How many documents OpenSearch will never take; raises when it may take them later."""
        failed = [item for item in items if "error" in item]
        for item in failed:
            if item["status"] == 404:  # the alias is gone: somebody emptied OpenSearch
                self._prepared = False
            if item["status"] != 400:
                raise exceptions.TransportError(item["status"], str(item["error"].get("reason")), {})
        log.warning("OpenSearch refused %d log documents, the first: %s", len(failed), failed[0]["error"])
        return len(failed)

    def _maintain(self, client: OpenSearch) -> None:
        # Here every document sent is also remembered as sent, so none can come again after the index changed.
        roll_over(client, self._alias)
        drop_expired(client, self._workspace.settings.number("log_retention_days"), self._alias)
        gone = [name for name in self._cursors if not (self._workspace.state / name).exists()]
        for name in gone:
            del self._cursors[name]
        if gone:
            self._save()
        self._maintained = time.monotonic()

    def _load(self) -> dict[str, Cursor]:
        try:
            stored = json.loads(self._store.read_text(encoding="utf-8"))
            return {name: Cursor.from_json(value) for name, value in stored.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}  # shipped again from the start, under the same ids

    def _save(self) -> None:
        stored = {name: cursor.to_json() for name, cursor in self._cursors.items()}
        write_atomic(self._store, json.dumps(stored).encode())


def _documents(file: LogFile, lines: list[Line], written: float) -> Iterator[Document]:
    if file.is_events:
        yield from (_event(file, line) for line in lines if line.text)
        return
    for record in records(lines):
        yield {
            "@timestamp": (record.time or datetime.fromtimestamp(written, UTC)).isoformat(),
            "level": record.level,
            "logger": record.logger,
            "message": record.message,
            "file": file.name,
            "offset": record.offset,
            **file.fields,
        }


def _event(file: LogFile, line: Line) -> Document:
    """A run's change of state (docs/architecture.md, ``events.jsonl``) as a document that reads as a sentence."""
    try:
        event = json.loads(line.text)
        state, why = str(event["state"]), str(event.get("reason") or "")
        at = datetime.fromtimestamp(float(event["time"]), UTC)
    except (ValueError, KeyError, TypeError, OverflowError):
        state, why, at = "", line.text, datetime.now(UTC)
    failed = state in ("FAILED", "ERROR", "TIMEOUT")
    return {
        "@timestamp": at.isoformat(),
        "level": "ERROR" if failed else "INFO",
        "message": f"{file.fields.get('job') or 'run'} {state}{': ' + why if why else ''}",
        "state": state or None,
        "file": file.name,
        "offset": line.offset,
        **file.fields,
    }


def _cut(message: str) -> str:
    rest = len(message) - MAX_RECORD_BYTES
    return message if rest <= 0 else f"{message[:MAX_RECORD_BYTES]}… [{rest:,} characters more]"


def _expected(error: Exception) -> bool:
    return isinstance(error, LakeletError) or (isinstance(error, exceptions.OpenSearchException) and is_passing(error))


def _told(error: Exception) -> str:
    return reason(error) if isinstance(error, exceptions.OpenSearchException) else str(error).rstrip(".")

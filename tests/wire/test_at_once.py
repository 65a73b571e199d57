"""What is looked up at once is answered by the thread that receives it, and by another when it has to wait."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from lakelet.aws.app import Wire as Endpoint
from lakelet.aws.context import current
from lakelet.aws.operations import at_once, load_service
from lakelet.workspace.state import WouldWaitError, may_wait, reading, without_waiting, writing
from tests.unit.test_operations import module
from tests.wire.conftest import Wire
from tests.wire.requests import signed


def ask(endpoint: Endpoint, wire: Wire, operation: str, **parameters: str) -> int:
    """The status of the answer to a request, which this thread receives."""
    made = signed(wire, f"AWSGlue.{operation}", parameters)
    headers = {**made.headers, "Host": wire.url.removeprefix("http://")}
    scope = {
        "type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": made.body}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(endpoint(scope, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize("waits", [False, True])
def test_the_receiving_thread_looks_up_what_needs_no_waiting(wire: Wire, waits: bool) -> None:
    threads = []

    def get_database(name: str) -> dict[str, Any]:
        if waits:
            may_wait()
        threads.append(threading.current_thread() is threading.main_thread())
        return {"Database": {"Name": name}}

    def get_table(database_name: str, name: str) -> dict[str, Any]:
        threads.append(threading.current_thread() is threading.main_thread())
        return {}

    endpoint = Endpoint([load_service("glue", module(at_once(get_database), get_table))])
    for _ in range(3):
        assert ask(endpoint, wire, "GetDatabase", Name="d") == 200
    assert threads == [False, not waits, not waits]
    assert ask(endpoint, wire, "GetDatabase", Name="") == 400
    for _ in range(2):
        assert ask(endpoint, wire, "GetTable", DatabaseName="d", Name="t") == 200
    assert threads[3:] == [False, False]


def test_writing_is_given_up_and_reading_is_not(wire: Wire) -> None:
    engine = current().engine
    with without_waiting():
        with pytest.raises(WouldWaitError), writing(engine):
            raise AssertionError("it has written")
        with reading(engine):
            pass
    with writing(engine):
        pass

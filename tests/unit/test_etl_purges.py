"""Purges whose write fails: what was to go still goes with the next write, and is never forgotten in silence."""

from __future__ import annotations

from typing import Any

import pytest

from lakelet.etl import publishing, purges
from lakelet.etl.purges import Purges
from lakelet.workspace.errors import ConcurrentModificationException, EntityNotFoundException, PublishError
from lakelet.workspace.paths import STATE_VARIABLE, Workspace

PLACE, TABLE = "s3://lake/table/", ("silver", "table")


class Control:
    """The control process as far as publishes go: sequences, and what was committed or aborted."""

    def __init__(self) -> None:
        self.sequence = 0
        self.open: set[str] = set()
        self.removed: list[list[str]] = []

    def call(self, workspace: Workspace, method: str, path: str, body: Any = None, **_: Any) -> dict[str, Any]:
        if path == "publishes":
            if body["database"] == "nowhere":
                raise EntityNotFoundException("Database nowhere not found.")
            name = f"pub_{len(self.removed)}_{len(self.open)}_{self.sequence}"
            self.open.add(name)
            return {
                "publish_id": name,
                "staging": f"s3://lake/_staging/{name}/",
                "sequence": self.sequence,
                "opened": 17,
            }
        name = path.split("/")[1]
        if method == "POST":
            if body["sequence"] != self.sequence:
                raise ConcurrentModificationException("somebody was faster")
            self.sequence += 1
            self.removed.append(body["remove"])
        self.open.discard(name)
        return {}


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Control:
    one = Control()
    monkeypatch.setattr(publishing, "call", one.call)
    monkeypatch.setattr(purges, "_older_than", lambda workspace, folders, hours, kept: ["table/old"])
    return one


@pytest.fixture
def purged(control: Control, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Purges:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / ".lakelet"))
    one = Purges(Workspace.find())
    one.purge(PLACE, [PLACE], TABLE, 0)
    return one


def test_a_second_try_removes_what_the_first_was_to(control: Control, purged: Purges) -> None:
    for _ in range(2):
        purged.give_up(purged.take(PLACE, TABLE))
        assert control.open == set()
    purged.take(PLACE, TABLE).commit()
    purged.take(PLACE, TABLE).commit()
    purged.commit()
    assert control.removed == [["table/old"], []]


def test_a_second_try_after_another_run_published_is_refused(control: Control, purged: Purges) -> None:
    purged.give_up(purged.take(PLACE, TABLE))
    control.sequence += 1
    for _ in range(2):
        again = purged.take(PLACE, TABLE)
        with pytest.raises(ConcurrentModificationException):
            again.commit()
        purged.give_up(again)
    purged.purge(PLACE, [PLACE], TABLE, 0)
    purged.take(PLACE, TABLE).commit()
    assert control.removed == [["table/old"]]


def test_the_jobs_commit_does_not_pass_over_a_failed_write(control: Control, purged: Purges) -> None:
    purged.give_up(purged.take(PLACE, TABLE))
    with pytest.raises(PublishError, match=PLACE):
        purged.commit()
    assert control.removed == []
    purged.purge(PLACE, [PLACE], TABLE, 0)
    purged.commit()
    assert control.removed == [["table/old"]]


def test_a_write_to_an_unknown_database_leaves_the_purge_where_it_was(control: Control, purged: Purges) -> None:
    with pytest.raises(EntityNotFoundException):
        purged.take(PLACE, ("nowhere", "table"))
    purged.take(PLACE, TABLE).commit()
    assert (control.removed, control.open) == ([["table/old"]], set())

"""Publishing on the real object store: old or new, never a mix that stays, whoever is killed and whenever."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from lakelet.catalog.publish_records import ABORTED, APPLIED, COMMITTED, GIVEN_UP, OPEN
from lakelet.catalog.publishes import Publishes
from lakelet.catalog.store import CatalogStore
from lakelet.data.objects import s3_client
from lakelet.data.zones import split_uri
from lakelet.workspace.errors import (
    ConcurrentModificationException,
    InvalidInputException,
    PublishError,
    ServiceUnavailableException,
)
from lakelet.workspace.paths import REPOSITORY, Workspace
from lakelet.workspace.secrets import secret
from lakelet.workspace.state import open_state, writing

pytestmark = pytest.mark.stack
BUCKET = "silver"


class Raw(BytesIO):
    """The body of an answer, as botocore reads one."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


class Room:
    """A control process's publishes on the stack's object store, with a state database of their own."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        engine = open_state(workspace.database)
        self.catalog = CatalogStore(engine)
        self.publishes = Publishes(engine, self.catalog, workspace)
        self.engine = engine
        self.s3 = s3_client(workspace)

    def stage(self, location: str, objects: dict[str, bytes], run: str = "jr_1", table: str | None = None) -> Any:
        database = "silver" if table else None
        begun = self.publishes.begin(run, database, table, location)
        _, staging = split_uri(begun["staging"])
        prefix = split_uri(location)[1]
        for name, content in objects.items():
            self.s3.put_object(Bucket=BUCKET, Key=staging + name, Body=content)
        add = [{"source": staging + name, "target": prefix + name} for name in objects]
        return begun["publish_id"], {"add": add, "sequence": begun["sequence"]}

    def objects(self, prefix: str) -> dict[str, bytes]:
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return {
            item["Key"][len(prefix) :]: self.s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
            for item in listed
        }


@pytest.fixture
def workspace(stack: Any, tmp_path: Path) -> Workspace:
    """A workspace that shares the stack's object store and nothing else."""
    state = tmp_path / ".lakelet"
    (state / "secrets").mkdir(parents=True)
    for name in ("access_key", "secret_key"):
        (state / "secrets" / name).write_text(secret(stack.workspace, name))
    own = Workspace(REPOSITORY, state).prepare()
    own.write_endpoints({"s3": stack.workspace.endpoint("s3")})
    return own


@pytest.fixture
def room(workspace: Workspace) -> Room:
    return Room(workspace)


@pytest.fixture
def prefix(room: Room) -> Iterator[str]:
    name = f"test_publish_{time.time_ns()}/"
    yield name
    for leftover in (name, ".lakelet/staging/jr_1/"):
        for key in [
            item["Key"] for item in room.s3.list_objects_v2(Bucket=BUCKET, Prefix=leftover).get("Contents", [])
        ]:
            room.s3.delete_object(Bucket=BUCKET, Key=key)


def test_a_begin_whose_answer_was_lost_is_asked_for_again(room: Room) -> None:
    table = f"t{secrets.token_hex(4)}"
    location = f"s3://{BUCKET}/{table}/"
    first, again = (room.publishes.begin("jr_1", None, None, location, "abc" + table) for _ in range(2))
    assert first == again and first["publish_id"] == f"pub_abc{table}"
    with pytest.raises(InvalidInputException, match="token of another publish"):
        room.publishes.begin("jr_2", None, None, location, "abc" + table)
    with pytest.raises(InvalidInputException, match=r"'\.\./x' is no token"):
        room.publishes.begin("jr_1", None, None, location, "../x")
    room.publishes.abort(first["publish_id"])
    with pytest.raises(InvalidInputException, match="token of another publish"):  # it has ended
        room.publishes.begin("jr_1", None, None, location, "abc" + table)


def test_a_commit_adds_removes_and_drops_its_staging(room: Room, prefix: str) -> None:
    location = f"s3://{BUCKET}/{prefix}"
    first, request = room.stage(location, {"a": b"old a", "b": b"old b"})
    assert room.objects(prefix) == {}
    assert room.publishes.commit(first, **request) == APPLIED
    assert room.objects(prefix) == {"a": b"old a", "b": b"old b"}

    second, request = room.stage(location, {"b": b"new b", "c": b"new c"})
    # What is added is not removed, though the writer says both: it replaces.
    assert room.publishes.commit(second, **request, remove=[prefix + "a", prefix + "b"]) == APPLIED
    assert room.objects(prefix) == {"b": b"new b", "c": b"new c"}
    assert room.objects(".lakelet/staging/jr_1/") == {}
    # The answer may have been lost: the same commit again is the same, another is refused.
    assert room.publishes.commit(second, **request, remove=[prefix + "a", prefix + "b"]) == APPLIED
    with pytest.raises(InvalidInputException, match="committed already"):
        room.publishes.commit(second, **request)
    with pytest.raises(InvalidInputException, match="it stays"):
        room.publishes.abort(second)


def test_an_abort_leaves_no_trace(room: Room, prefix: str) -> None:
    publish, request = room.stage(f"s3://{BUCKET}/{prefix}", {"a": b"a"})
    room.publishes.abort(publish)
    room.publishes.abort(publish)
    assert room.publishes.get(publish).state == ABORTED
    assert room.objects(prefix) == room.objects(".lakelet/staging/jr_1/") == {}
    with pytest.raises(InvalidInputException):
        room.publishes.commit(publish, **request)


def test_what_is_staged_after_the_abort_goes_when_the_next_run_has_ended(room: Room, prefix: str) -> None:
    """An executor may outlive its driver, and end its upload."""
    begun = room.publishes.begin("jr_1", None, None, f"s3://{BUCKET}/{prefix}")
    assert room.publishes.abort_run("jr_1") == [f"s3://{BUCKET}/{prefix}"]
    room.s3.put_object(Bucket=BUCKET, Key=split_uri(begun["staging"])[1] + "late", Body=b"a")
    assert room.publishes.abort_run("jr_2") == []
    assert room.objects(".lakelet/staging/jr_1/") == {}


def test_what_was_not_staged_is_not_committed(room: Room, prefix: str) -> None:
    publish, request = room.stage(f"s3://{BUCKET}/{prefix}", {"a": b"a"})
    missing = {**request["add"][0], "source": request["add"][0]["source"] + "x"}
    with pytest.raises(InvalidInputException, match="do not exist"):
        room.publishes.commit(publish, add=[missing], sequence=request["sequence"])
    assert room.publishes.get(publish).state == OPEN


def test_of_writers_to_one_place_one_wins(room: Room, prefix: str) -> None:
    location = f"s3://{BUCKET}/{prefix}"
    staged = [room.stage(location, {"a": f"writer {n}".encode()}) for n in range(4)]
    barrier = threading.Barrier(len(staged))

    def commit(one: tuple[str, dict[str, Any]]) -> str:
        barrier.wait()
        try:
            return room.publishes.commit(one[0], **one[1])
        except ConcurrentModificationException:
            return "lost"

    with ThreadPoolExecutor(len(staged)) as pool:
        outcomes = list(pool.map(commit, staged))
    assert sorted(outcomes) == [APPLIED, "lost", "lost", "lost"]
    assert room.objects(prefix) == {"a": f"writer {outcomes.index(APPLIED)}".encode()}


def test_the_table_and_its_partitions_commit_with_the_objects(room: Room, prefix: str) -> None:
    location = f"s3://{BUCKET}/{prefix}"
    with writing(room.engine) as connection:
        room.catalog.create_database(connection, {"Name": "silver"})
    publish, request = room.stage(location, {"month=1/a": b"a"}, table="T")
    table_input = {
        "Name": "t",
        "PartitionKeys": [{"Name": "month", "Type": "int"}],
        "StorageDescriptor": {"Location": location, "Columns": [{"Name": "x", "Type": "int"}]},
    }
    partition = {"Values": ["1"], "StorageDescriptor": {"Location": location + "month=1/"}}
    with pytest.raises(InvalidInputException):  # two values for one key: nothing of the commit stays
        room.publishes.commit(publish, **request, table_input=table_input, partitions=[{"Values": ["1", "2"]}])
    assert room.publishes.get(publish).state == OPEN
    with writing(room.engine) as connection:
        assert room.catalog.table_names(connection, "silver") == []

    room.publishes.commit(publish, **request, table_input=table_input, partitions=[partition])
    assert [one.values for one in room.catalog.get_partitions("silver", "t")] == [("1",)]
    assert room.catalog.get_table("silver", "t").sequence == request["sequence"] + 1

    publish, request = room.stage(location, {}, table="t")
    gone = {"remove": [prefix + "month=1/a"], "remove_partitions": [["1"]]}
    room.publishes.commit(publish, **request, **gone)
    assert room.catalog.get_partitions("silver", "t") == []
    assert room.objects(prefix) == {}


def test_a_run_that_ended_leaves_nothing_open(room: Room, prefix: str) -> None:
    location = f"s3://{BUCKET}/{prefix}"
    publish, _ = room.stage(location, {"a": b"a"})
    assert room.publishes.abort_run("jr_other") == []
    assert room.publishes.abort_run("jr_1") == [location]
    assert room.publishes.get(publish).state == ABORTED
    assert room.publishes.unfinished("jr_1") == {}


def test_what_a_run_left_open_is_known_until_the_run_has_ended(room: Room, prefix: str) -> None:
    """The control process may be killed between the abort and the verdict, and ask again."""
    given_up, _ = room.stage(f"s3://{BUCKET}/{prefix}given_up/", {"a": b"a"})
    room.publishes.abort(given_up)
    driver_ended_at = time.time()
    room.stage(f"s3://{BUCKET}/{prefix}left_open/", {"a": b"a"})
    for _ in range(2):
        assert room.publishes.abort_run("jr_1", driver_ended_at) == [f"s3://{BUCKET}/{prefix}left_open/"]


def test_a_refusal_of_the_object_store_is_told_from_its_absence(workspace: Workspace) -> None:
    room, location = Room(workspace), f"s3://no-bucket-{time.time_ns()}/x/"
    publish, request = room.stage(location, {})
    assert room.publishes.commit(publish, **request, remove=["x/a"], wait_seconds=0) == COMMITTED
    assert "NoSuchBucket" in room.publishes.unfinished("jr_1")[location]
    workspace.write_endpoints({"s3": "http://127.0.0.1:9"})
    assert Room(workspace).publishes.unfinished("jr_1") == {location: ""}


def test_old_staging_of_no_run_is_collected(room: Room, prefix: str) -> None:
    publish, _ = room.stage(f"s3://{BUCKET}/{prefix}", {"a": b"a"})
    assert room.publishes.collect({"jr_1"}, older_than_seconds=0) == 0
    assert room.publishes.collect(set(), older_than_seconds=3600) == 0
    assert room.publishes.collect(set(), older_than_seconds=0) == 1
    assert room.objects(".lakelet/staging/jr_1/") == {}
    assert room.publishes.get(publish).state == ABORTED


# Control processes that commit and are killed with SIGKILL at one of their steps: before any commit of the database,
# before any request to the object store. Each is forked from one that has imported everything.
VICTIMS = """
import json, os, signal, sys
import sqlalchemy as sa
from lakelet.catalog.publishes import Publishes
from lakelet.catalog.store import CatalogStore
from lakelet.workspace.paths import Workspace
from lakelet.workspace.state import open_state

def commit(publish, request, fatal):
    steps = 0
    def step(*ignored, **also_ignored):
        nonlocal steps
        steps += 1
        if steps == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
    workspace = Workspace.find()
    engine = open_state(workspace.database)
    publishes = Publishes(engine, CatalogStore(engine), workspace)
    publishes._s3.meta.events.register("before-send.s3", step)
    sa.event.listen(engine, "commit", step)
    publishes.commit(publish, **request)

for line in sys.stdin:
    child = os.fork()
    if not child:
        commit(*json.loads(line))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Victims:
    """Starts control processes that are killed at their ``fatal``-th step, counted from 1."""

    def __init__(self, workspace: Workspace) -> None:
        env = {**os.environ, "LAKELET_STATE": str(workspace.state)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen([sys.executable, "-c", VICTIMS], env=env, cwd=REPOSITORY, text=True, **pipes)

    def commit(self, publish: str, request: dict[str, Any], fatal: int) -> int:
        """The exit code of a process that committed, or was killed over it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps([publish, request, fatal]), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture
def victims(workspace: Workspace) -> Iterator[Victims]:
    victims = Victims(workspace)
    yield victims
    victims.close()


def test_a_kill_at_any_step_leaves_old_or_new_and_converges(
    workspace: Workspace, victims: Victims, prefix: str
) -> None:
    old = {"a": b"old a", "b": b"old b"}
    new = {"b": b"new b", "c": b"new c"}
    outcomes = []
    for fatal in range(1, 100):
        room = Room(workspace)
        location = f"s3://{BUCKET}/{prefix}{fatal}/"
        own = f"{prefix}{fatal}/"
        publish, request = room.stage(location, old)
        room.publishes.commit(publish, **request)
        publish, request = room.stage(location, new)
        request["remove"] = [own + "a"]
        room.engine.dispose()
        code = victims.commit(publish, request, fatal)
        assert code in (0, -signal.SIGKILL)

        restarted = Room(workspace)
        state = restarted.publishes.get(publish).state
        assert restarted.publishes.finish_pending()
        if state == OPEN:
            assert restarted.objects(own) == old
            restarted.publishes.abort_run("jr_1")
        else:
            assert state in (COMMITTED, APPLIED)
            assert restarted.publishes.get(publish).state == APPLIED
        assert restarted.objects(own) == (old if state == OPEN else new)
        assert restarted.objects(".lakelet/staging/jr_1/") == {}
        outcomes.append(state)
        if code == 0:
            break
    # It was killed before the commit, between commit and end, and after; and once not at all.
    assert [outcomes[0], outcomes[-1]] == [OPEN, APPLIED]
    assert COMMITTED in outcomes
    assert outcomes == sorted(outcomes, key=[OPEN, COMMITTED, APPLIED].index)


def test_readers_settle_what_a_killed_control_process_left(workspace: Workspace, victims: Victims, prefix: str) -> None:
    room = Room(workspace)
    with writing(room.engine) as connection:
        room.catalog.create_database(connection, {"Name": "silver"})
    publish, request = room.stage(f"s3://{BUCKET}/{prefix}", {"a": b"a"}, table="t")
    request["table_input"] = {"Name": "t", "StorageDescriptor": {"Location": f"s3://{BUCKET}/{prefix}"}}
    room.engine.dispose()
    for fatal in range(1, 20):
        victims.commit(publish, request, fatal)
        if Room(workspace).publishes.get(publish).state == COMMITTED:
            break
    restarted = Room(workspace)
    assert restarted.publishes.get(publish).state == COMMITTED
    restarted.publishes.settle("Silver", "T")
    assert restarted.objects(prefix) == {"a": b"a"}
    assert restarted.publishes.get(publish).state == APPLIED


def test_what_the_object_store_refuses_for_good_is_given_up(workspace: Workspace, prefix: str) -> None:
    """The bucket of a table is really deleted between the commit and its being applied."""
    room, bucket = Room(workspace), f"doomed-{time.time_ns()}"
    location = f"s3://{bucket}/t/"
    with writing(room.engine) as connection:
        room.catalog.create_database(connection, {"Name": "silver"})
    descriptor = {"Location": location, "Columns": [{"Name": "x", "Type": "int"}]}
    table = {"Name": "t", "PartitionKeys": [{"Name": "m", "Type": "int"}], "StorageDescriptor": descriptor}
    room.s3.create_bucket(Bucket=bucket)
    begun = room.publishes.begin("jr_1", "silver", "t", location)
    staged = split_uri(begun["staging"])[1] + "a"
    room.s3.put_object(Bucket=bucket, Key=staged, Body=b"a")
    request: dict[str, Any] = {
        "add": [{"source": staged, "target": "t/m=1/a"}],
        "partitions": [{"Values": ["1"], "StorageDescriptor": {**descriptor, "Location": location + "m=1/"}}],
        "table_input": table,
        "sequence": begun["sequence"],
    }
    publish = begun["publish_id"]
    with pytest.raises(InvalidInputException, match="is OPEN"):
        room.publishes.give_up(publish)

    def delete_bucket(**_: Any) -> None:  # as the first file is about to be copied in
        with suppress(room.s3.exceptions.NoSuchBucket):
            room.s3.delete_object(Bucket=bucket, Key=staged)
            room.s3.delete_bucket(Bucket=bucket)

    room.publishes._s3.meta.events.register("before-send.s3.CopyObject", delete_bucket)
    assert room.publishes.commit(publish, **request, wait_seconds=0) == COMMITTED
    with pytest.raises(PublishError):
        room.publishes.settle("silver", "t")
    ((listed, reason),) = room.publishes.unsettled()
    assert (listed.id, listed.state, listed.target) == (publish, COMMITTED, "silver.t")
    assert "refused" in reason

    said = room.publishes.give_up(publish)
    assert f"Of 1 files to add to {location}, 0 are there." in said
    assert "1 partitions without files are no longer in the catalog: 1." in said
    room.publishes.settle("silver", "t")
    assert room.catalog.get_partitions("silver", "t") == []
    assert room.publishes.get(publish).state == GIVEN_UP
    # Its run has not succeeded, a writer that waits for it hears so, and the table takes writes again.
    assert room.publishes.unfinished("jr_1") == {"silver.t": said}
    with pytest.raises(PublishError, match="was given up"):
        room.publishes.commit(publish, **request)
    with pytest.raises(InvalidInputException, match="is GIVEN_UP"):
        room.publishes.give_up(publish)
    assert room.publishes.finish_pending()
    room.publishes._s3.meta.events.unregister("before-send.s3.CopyObject", delete_bucket)
    room.s3.create_bucket(Bucket=bucket)
    again = room.publishes.begin("jr_2", "silver", "t", location)
    assert room.publishes.commit(again["publish_id"], sequence=again["sequence"]) == APPLIED
    room.s3.delete_bucket(Bucket=bucket)


def test_what_s3_does_not_copy_at_once_is_copied_in_parts(workspace: Workspace, prefix: str) -> None:
    """The refusal is made up, for 5 GiB would be needed to have it from a real S3; the copy is not."""
    room, refused = Room(workspace), []

    def refuse(request: Any, **_: Any) -> AWSResponse | None:
        if refused:
            return None
        refused.append(request.url)
        body = b"<Error><Code>InvalidRequest</Code><Message>The copy source is too large.</Message></Error>"
        return AWSResponse(request.url, 400, {}, Raw(body))

    publish, request = room.stage(f"s3://{BUCKET}/{prefix}", {"a": b"a"})
    room.publishes._s3.meta.events.register("before-send.s3.CopyObject", refuse)
    assert room.publishes.commit(publish, **request) == APPLIED
    assert len(refused) == 1
    assert room.objects(prefix) == {"a": b"a"}


def test_what_may_still_be_applied_is_not_given_up(workspace: Workspace) -> None:
    room, bucket = Room(workspace), f"late-{time.time_ns()}"
    publish, request = room.stage(f"s3://{bucket}/x/", {})
    assert room.publishes.commit(publish, **request, remove=["x/a"], wait_seconds=0) == COMMITTED
    later, request = room.stage(f"s3://{bucket}/x/", {})
    assert room.publishes.commit(later, **request, remove=["x/b"], wait_seconds=0) == COMMITTED
    with pytest.raises(InvalidInputException, match=f"{publish} was committed .* before"):
        room.publishes.give_up(later)
    address = workspace.endpoint("s3")
    workspace.write_endpoints({"s3": "http://127.0.0.1:9"})
    with pytest.raises(ServiceUnavailableException):  # it is down: nobody knows
        Room(workspace).publishes.give_up(publish)
    workspace.write_endpoints({"s3": address})
    room.s3.create_bucket(Bucket=bucket)
    with pytest.raises(InvalidInputException, match="can be applied"):
        room.publishes.give_up(publish)
    assert room.publishes.finish_pending()
    assert [room.publishes.get(one).state for one in (publish, later)] == [APPLIED, APPLIED]
    room.s3.delete_bucket(Bucket=bucket)

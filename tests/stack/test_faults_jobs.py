"""Whatever is killed in the middle of a run, the run ends in the truth and the stack goes on."""

from __future__ import annotations

import json
import os
import re
import signal
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from lakelet.catalog.publishes import Publishes
from lakelet.catalog.store import CatalogStore
from lakelet.data.objects import s3_client
from lakelet.data.publish import STAGING_PREFIX, keys_below
from lakelet.jobs.launchers import folder_of
from lakelet.jobs.runner import Runner
from lakelet.jobs.store import JobStore
from lakelet.stack import operate
from lakelet.workspace import shim
from lakelet.workspace.control import call
from lakelet.workspace.paths import REPOSITORY, Workspace
from lakelet.workspace.runs import Run, RunState, new_run_id
from lakelet.workspace.state import open_state
from tests.conftest import eventually
from tests.stack.test_jobs import WRITER, Jobs

pytestmark = pytest.mark.stack

# Jobs that both workers have an executor of, soon.
BOTH = {"--conf": "spark.dynamicAllocation.schedulerBacklogTimeout=1s"}

# A Spark job that is in the middle of its work until a file appears.
SPARK = """
import os, sys, time
from pyspark.sql import SparkSession
flag = sys.argv[sys.argv.index("--flag") + 1]
spark = SparkSession.builder.getOrCreate()
def wait(rows):
    print("in the middle", file=sys.stderr, flush=True)
    while not os.path.exists(flag):
        time.sleep(0.1)
    return [sum(rows)]
print("up", os.getpid(), flush=True)
print("sum", spark.sparkContext.parallelize(range(100), 2).mapPartitions(wait).sum(), flush=True)
"""
# A sink's write of 100 rows, of which each of two tasks puts every ten into an object; the first one to have put some
# kills its executor.
DYING = """
import os, signal, sys
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from pyspark.context import SparkContext
flag = sys.argv[sys.argv.index("--flag") + 1]
glue = GlueContext(SparkContext.getOrCreate())
spark = glue.spark_session
spark.conf.set("spark.sql.files.maxRecordsPerFile", 10)
spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 10)
def mortal(batches):
    for number, batch in enumerate(batches):
        if number == 3:
            try:
                os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                pass
            else:
                os.kill(os.getppid(), signal.SIGKILL)
        yield batch
rows = spark.range(0, 100, 1, 2).mapInPandas(mortal, "id long")
glue.write_dynamic_frame.from_options(
    DynamicFrame.fromDF(rows, glue, "rows"), "s3", {"path": "s3://silver/dying/" + flag.rpartition("/")[2] + "/"}, "csv"
)
"""
SHELL = """
import os, sys, time
flag = sys.argv[sys.argv.index("--flag") + 1]
print("up", os.getpid(), flush=True)
while not os.path.exists(flag):
    time.sleep(0.1)
print("done", flush=True)
"""


@pytest.fixture(scope="module")
def jobs(stack: Any) -> Jobs:
    return Jobs(stack.workspace)


@pytest.fixture
def flag(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "flag"
    yield path
    path.touch()  # whatever still waits for it may end


def kill(workspace: Workspace, component: str) -> int:
    pid = next(int(row["pid"]) for row in operate.status(workspace) if row["name"] == component)
    os.kill(pid, signal.SIGKILL)
    return pid


def back(workspace: Workspace, component: str, dead: int) -> bool:
    return any(
        row["name"] == component and row["state"] == "RUNNING" and row["pid"] not in (dead, None)
        for row in operate.status(workspace)
    )


def start(jobs: Jobs, code: str, flag: Path, command: str = "pythonshell") -> tuple[Any, Path]:
    both = BOTH if command == "glueetl" else {}
    submitted = jobs.client.start(jobs.create(code, command), {"--flag": str(flag), **both})
    folder = folder_of(jobs.workspace, submitted.run_id)
    eventually(lambda: (folder / "stdout.log").read_text().startswith("up"))
    return submitted, folder


def driver_of(folder: Path) -> int:
    running = shim.read_running(folder)
    assert running is not None and running.driver is not None
    return running.driver


def in_the_middle(workspace: Workspace, folder: Path) -> Callable[[], bool]:
    """Whether both executors of a run work on its tasks."""

    def said() -> bool:
        application = re.search(r"app-[0-9]+-[0-9]+", (folder / "stderr.log").read_text())
        assert application
        logs = (workspace.spark / "work").glob(f"*/{application[0]}/*/stderr")
        return sum("in the middle" in log.read_text() for log in logs) == 2

    return said


@pytest.mark.parametrize("victim", ["jvm", "python"])
def test_a_killed_spark_driver_takes_its_executors_along(jobs: Jobs, flag: Path, victim: str) -> None:
    submitted, folder = start(jobs, SPARK, flag, "glueetl")
    eventually(in_the_middle(jobs.workspace, folder))
    python = int((folder / "stdout.log").read_text().split()[1])
    os.kill(driver_of(folder) if victim == "jvm" else python, signal.SIGKILL)
    run = jobs.client.wait(submitted)
    assert run["JobRunState"] == "FAILED"
    assert "killed by SIGKILL" in run["ErrorMessage"]
    assert _gone(python)

    def master() -> Any:
        with urllib.request.urlopen(jobs.workspace.endpoint("spark_master_ui") + "/json/") as answer:
            return json.load(answer)

    eventually(lambda: not master()["activeapps"] and all(worker["coresused"] == 0 for worker in master()["workers"]))


def test_a_killed_worker_does_not_change_the_result(jobs: Jobs, flag: Path) -> None:
    submitted, folder = start(jobs, SPARK, flag, "glueetl")
    eventually(in_the_middle(jobs.workspace, folder))
    dead = kill(jobs.workspace, "spark-worker-1")
    flag.touch()
    run = jobs.client.wait(submitted)
    assert run["JobRunState"] == "SUCCEEDED", run
    assert f"sum {sum(range(100))}" in jobs.text(run)
    eventually(lambda: back(jobs.workspace, "spark-worker-1", dead))


def test_an_executor_killed_in_a_write_leaves_no_row_twice(jobs: Jobs, tmp_path: Path) -> None:
    flag = tmp_path / uuid.uuid4().hex
    submitted = jobs.client.start(jobs.create(DYING, "glueetl"), {"--flag": str(flag), **BOTH})
    run = jobs.client.wait(submitted)
    assert run["JobRunState"] == "SUCCEEDED", run
    assert flag.exists()  # one was killed
    s3 = s3_client(jobs.workspace)
    keys = list(keys_below(s3, "silver", f"dying/{flag.name}/"))
    bodies = [s3.get_object(Bucket="silver", Key=key)["Body"].read().decode() for key in keys]
    assert sorted(int(row) for body in bodies for row in body.split()[1:]) == list(range(100))
    assert not list(keys_below(s3, "silver", f"{STAGING_PREFIX}{submitted.run_id}/"))


def test_a_killed_shim_ends_the_driver_and_the_run(jobs: Jobs, flag: Path) -> None:
    away = "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
    submitted, folder = start(jobs, away + SHELL, flag)
    driver, running = driver_of(folder), shim.read_running(folder)
    assert running is not None
    os.kill(running.shim.pid, signal.SIGKILL)
    run = jobs.client.wait(submitted)
    assert run["JobRunState"] == "FAILED"
    assert "was killed" in run["ErrorMessage"]
    assert _left(submitted.run_id) == []
    assert _gone(driver)


def test_a_killed_control_process_finds_its_runs_again(jobs: Jobs, flag: Path) -> None:
    submitted, _ = start(jobs, SHELL, flag)
    dead = kill(jobs.workspace, "control")
    eventually(lambda: back(jobs.workspace, "control", dead))
    assert eventually(lambda: jobs.client.run(submitted.job, submitted.run_id))["JobRunState"] == "RUNNING"
    flag.touch()
    run = jobs.client.wait(submitted)
    assert run["JobRunState"] == "SUCCEEDED"
    assert jobs.text(run).endswith("done")


# A write as the sinks do it, in the middle of which a test may do something.
WRITE = """
import os, sys, time
from lakelet.data.objects import s3_client
from lakelet.data.publish import STAGING_PREFIX, keys_below
from lakelet.data.zones import split_uri
from lakelet.etl.publishing import Publication
from lakelet.workspace.paths import Workspace

location, flag = (sys.argv[sys.argv.index(name) + 1] for name in ("--location", "--flag"))
publication = Publication.begin(Workspace.find(), location, None)
bucket, staging = split_uri(publication.staging)
s3_client(publication.workspace).put_object(Bucket=bucket, Key=staging + "a", Body=b"written")
print("up", flush=True)
while not os.path.exists(flag):
    time.sleep(0.05)
publication.commit([(staging + "a", split_uri(location)[1] + "a")])
"""


def write(jobs: Jobs, name: str, location: str, flag: Path) -> Any:
    submitted = jobs.client.start(name, {"--location": location, "--flag": str(flag)})
    log = folder_of(jobs.workspace, submitted.run_id) / "stdout.log"
    eventually(lambda: log.read_text().startswith("up"))
    return submitted


def test_a_control_process_killed_in_mid_write_costs_the_run_nothing(jobs: Jobs, flag: Path) -> None:
    location = f"s3://gold/test_faults_{uuid.uuid4().hex}/"
    submitted = write(jobs, jobs.create(WRITE), location, flag)
    dead = kill(jobs.workspace, "control")
    flag.touch()
    run = jobs.client.wait(submitted)
    assert run["JobRunState"] == "SUCCEEDED", run
    written = s3_client(jobs.workspace).get_object(Bucket="gold", Key=location.removeprefix("s3://gold/") + "a")
    assert written["Body"].read() == b"written"
    eventually(lambda: back(jobs.workspace, "control", dead))


def test_of_two_runs_that_write_to_one_place_one_fails_by_name(jobs: Jobs, flag: Path) -> None:
    location = f"s3://gold/test_faults_{uuid.uuid4().hex}/"
    name = jobs.create(WRITE, ExecutionProperty={"MaxConcurrentRuns": 2})
    submitted = [write(jobs, name, location, flag) for _ in range(2)]
    flag.touch()
    runs = [jobs.client.wait(one) for one in submitted]
    assert sorted(run["JobRunState"] for run in runs) == ["FAILED", "SUCCEEDED"]
    failed = next(run for run in runs if run["JobRunState"] == "FAILED")
    assert "ConcurrentModificationException" in failed["ErrorMessage"]


def test_an_object_store_killed_after_the_commit_delays_the_run_and_loses_nothing(jobs: Jobs) -> None:
    location = f"s3://gold/test_faults_{uuid.uuid4().hex}/"
    objects = f"begun, add = stage({location!r}, {{f'part-{{n:03}}': b'x' * 1000 for n in range(300)}})"
    code = f"{WRITER}\n{objects}\nprint(begun['publish_id'], flush=True)\nprint(commit(begun, add))"
    submitted = jobs.start(code)
    log = folder_of(jobs.workspace, submitted.run_id) / "stdout.log"
    publish = eventually(lambda: log.read_text().strip()).split()[0]
    while call(jobs.workspace, "GET", f"publishes/{publish}")["state"] == "OPEN":
        time.sleep(0.005)
    dead = kill(jobs.workspace, "minio")
    run = jobs.client.wait(submitted)
    assert run["JobRunState"] == "SUCCEEDED", run
    assert call(jobs.workspace, "GET", f"publishes/{publish}")["state"] == "APPLIED"
    eventually(lambda: back(jobs.workspace, "minio", dead))
    s3, prefix = s3_client(jobs.workspace), location.removeprefix("s3://gold/")
    assert s3.list_objects_v2(Bucket="gold", Prefix=prefix)["KeyCount"] == 300


# -- the runner, with a state database of its own ------------------------------------------------------------------


class Room:
    """What a control process has, to be ended and begun again at will."""

    def __init__(self, workspace: Workspace) -> None:
        engine = open_state(workspace.database)
        self.workspace = workspace
        self.store = JobStore(engine)
        self.publishes = Publishes(engine, CatalogStore(engine), workspace)
        self.runner = Runner(workspace, self.store, self.publishes)

    def submit(self, code: str, **members: Any) -> Run:
        spec = {"argv": ["{python}", "-c", code]}
        return self.runner.submit(Run(id=new_run_id(), kind="test", name="test", spec=spec, **members))

    def ended(self, run: Run) -> Run:
        return eventually(lambda: (now := self.store.run(run.id)).ended and now)


@pytest.fixture
def workspace(stack: Any, tmp_path: Path) -> Workspace:
    own = Workspace(REPOSITORY, tmp_path / ".lakelet").prepare()
    (own.state / "secrets").mkdir()
    for path in [*(stack.workspace.state / "secrets").iterdir(), stack.workspace.state / "endpoints.json"]:
        target = own.state / path.relative_to(stack.workspace.state)
        target.write_bytes(path.read_bytes())
    return own


@pytest.fixture
def room(workspace: Workspace) -> Iterator[Room]:
    room = Room(workspace)
    room.runner.start()
    yield room
    room.runner.close()


def test_a_run_that_takes_too_long_times_out(room: Room) -> None:
    run = room.ended(room.submit("import time; time.sleep(1000)", timeout_seconds=1))
    assert run.state is RunState.TIMEOUT
    assert "timeout" in run.reason


def test_a_run_that_waits_is_stopped_at_once(room: Room) -> None:
    first = room.submit("import time; time.sleep(1000)", cores=10**6)
    second = room.submit("print()", cores=1)
    eventually(lambda: "in the queue" in room.store.run(second.id).reason)
    assert room.runner.stop(second.id).state is RunState.STOPPED
    assert not (folder_of(room.workspace, second.id) / "process.json").exists()
    room.runner.stop(first.id)
    assert room.ended(first).state is RunState.STOPPED


def test_a_program_that_is_not_there_fails(room: Room) -> None:
    run = room.runner.submit(Run(id=new_run_id(), kind="test", name="test", spec={"argv": ["/no/such/program"]}))
    ended = room.ended(run)
    assert ended.state is RunState.FAILED
    assert "/no/such/program could not be started" in ended.reason


def test_a_new_runner_goes_on_where_the_old_one_was(workspace: Workspace, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    wait = f"import os, sys, time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.05)\nsys.exit({{}})"
    old = Room(workspace)
    old.runner.start()
    succeeds, fails = old.submit(wait.format(0), max_retries=1), old.submit(wait.format(7), max_retries=1)
    stopped = old.submit("import time; time.sleep(1000)")
    waits = old.submit("print('at last')", memory_mb=10**9)
    eventually(lambda: len([run for run in old.store.live() if run.state is RunState.RUNNING]) == 3)
    old.runner.close()
    # While nobody looks, two end, one is asked to stop; one that was admitted has not been launched.
    flag.touch()
    eventually(
        lambda: shim.read_exit(folder_of(workspace, fails.id)) and shim.read_exit(folder_of(workspace, succeeds.id))
    )
    old.runner.stop(stopped.id)
    admitted = old.store.add_run(Run(id=new_run_id(), kind="test", name="test", spec=succeeds.spec))
    assert old.store.move(admitted, RunState.STARTING, started_at=time.time()) is not None

    new = Room(workspace)
    new.runner.start()
    try:
        assert new.ended(succeeds).state is RunState.SUCCEEDED
        assert new.ended(fails).reason.startswith("The driver ended with exit code 7")
        assert new.ended(new.store.run(f"{fails.id}_attempt_1")).state is RunState.FAILED
        assert new.ended(stopped).state is RunState.STOPPED
        assert new.ended(admitted).state is RunState.SUCCEEDED
        assert new.ended(waits).state is RunState.SUCCEEDED
        events = (folder_of(workspace, waits.id) / "events.jsonl").read_text().splitlines()
        assert json.loads(events[0])["state"] == "WAITING"
        assert json.loads(events[-1])["state"] == "SUCCEEDED"
    finally:
        new.runner.close()


def test_an_uncommitted_write_is_no_success_though_the_verdict_had_to_wait(workspace: Workspace) -> None:
    endpoints = json.loads((workspace.state / "endpoints.json").read_text())
    workspace.write_endpoints({**endpoints, "s3": "http://127.0.0.1:9"})
    old = Room(workspace)
    run = Run(id=new_run_id(), kind="test", name="test", spec={"argv": ["{python}", "-c", "pass"]})
    old.publishes.begin(run.id, None, None, "s3://gold/test_left_open/")
    begun = old.publishes.begin(run.id, None, None, "s3://gold/test_committed/")
    old.publishes.commit(
        begun["publish_id"], remove=["test_committed/a"], sequence=begun["sequence"], wait_seconds=0
    )  # fmt: skip
    old.runner.start()
    old.runner.submit(run)
    eventually(lambda: "waits for the object store" in old.store.run(run.id).reason)
    old.runner.close()

    workspace.write_endpoints(endpoints)
    new = Room(workspace)
    new.runner.start()
    try:
        ended = new.ended(run)
    finally:
        new.runner.close()
    assert ended.state is RunState.FAILED
    assert "its write to s3://gold/test_left_open/ was never committed" in ended.reason


def test_a_run_whose_output_is_refused_for_good_fails(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakelet.jobs.runner.REFUSED_SECONDS", 1.5)
    run = Run(id=new_run_id(), kind="test", name="test", spec={"argv": ["{python}", "-c", "pass"]})
    location = f"s3://no-bucket-{time.time_ns()}/x/"
    begun = room.publishes.begin(run.id, None, None, location)
    room.publishes.commit(begun["publish_id"], remove=["x/a"], sequence=begun["sequence"], wait_seconds=0)
    room.runner.submit(run)
    ended = room.ended(run)
    assert ended.state is RunState.FAILED
    assert ended.reason.startswith(f"What it wrote to {location} could not be applied: ")
    assert "NoSuchBucket" in ended.reason


def test_what_ended_leaves_no_process(room: Room) -> None:
    run = room.submit("import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True)")
    assert room.ended(run).state is RunState.SUCCEEDED
    eventually(lambda: _left(run.id) == [])


def _left(run_id: str) -> list[int]:
    return [process.pid for process in psutil.process_iter() if _of(process, run_id)]


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE  # init reaps orphans when it likes
    except psutil.NoSuchProcess:
        return True


def _of(process: psutil.Process, run_id: str) -> bool:
    try:
        return process.environ().get("LAKELET_RUN_ID") == run_id
    except psutil.Error:
        return False

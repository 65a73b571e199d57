"""The whole stack as it stands: what runs, what it listens on, what it takes, and what it gives away."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lakelet.jobs.spark import LIGHT_FLAGS, java_argv, spark_environment, submit_argv
from lakelet.stack import operate
from lakelet.stack.component import request
from lakelet.stack.leftovers import component_processes
from lakelet.stack.record import read_record
from lakelet.workspace.environment import client_environment
from lakelet.workspace.paths import COMPONENT_VARIABLE, Workspace
from lakelet.workspace.runs import RUN_VARIABLE
from lakelet.workspace.secrets import NAMES, secret
from tests.conftest import Stack, eventually

LAKELET = str(Path(sys.executable).with_name("lakelet"))
NAMES_OF_COMPONENTS = {
    "opensearch", "minio", "spark-master", "spark-worker-1", "spark-worker-2", "spark-history", "control", "dashboards",
}  # fmt: skip
IDLE_LIMIT = 3 << 30
LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}

SCRIPT = """
import sys, time
from pathlib import Path
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("watched").getOrCreate()
spark.range(100).repartition(4).write.mode("overwrite").parquet("s3://quarantine/watched")
folder = Path(sys.argv[1])
(folder / "ui").write_text(spark.sparkContext.uiWebUrl + " " + spark.sparkContext.applicationId)
while not (folder / "go").exists():
    time.sleep(0.1)
spark.stop()
"""


def lakelet(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LAKELET, *words], capture_output=True, text=True, check=False)


def test_every_component_runs_and_says_where(stack: Stack) -> None:
    done = lakelet("status", "--output", "json")
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert set(rows) == NAMES_OF_COMPONENTS
    for row in rows.values():
        assert row["state"] == "RUNNING"
        assert psutil.pid_exists(row["pid"])
        assert row["url"].startswith("http://127.0.0.1:")


def test_the_aws_command_line_just_works(stack: Stack) -> None:
    aws = Path(sys.executable).with_name("aws")
    script = f'eval "$({LAKELET} env)"; {aws} s3 ls; {aws} sts get-caller-identity --query Account --output text'
    bare = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    done = subprocess.run(["bash", "-c", script], env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {"bronze", "silver", "gold"} <= set(done.stdout.split())
    assert stack.workspace.settings.text("account_id") in done.stdout


def test_everything_listens_on_loopback_only(stack: Stack) -> None:
    pids = {identity.pid for identity in component_processes(stack.workspace)}
    listening = [
        connection
        for connection in psutil.net_connections("inet")
        if connection.pid in pids and connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > len(NAMES_OF_COMPONENTS)
    assert {str(connection.laddr[0]) for connection in listening} <= LOOPBACK


def test_a_driver_that_lasts_has_room_for_its_code(stack: Stack) -> None:
    java = java_argv(stack.workspace, "none", heap_mb=64)[0]
    done = subprocess.run([java, *LIGHT_FLAGS, "-XX:+PrintFlagsFinal", "-version"], capture_output=True, check=True)
    found = re.search(rb"ReservedCodeCacheSize\s*=\s*(\d+)", done.stdout)
    assert found and int(found[1]) >= 240 << 20


def test_the_idle_stack_stays_under_three_gigabytes(stack: Stack) -> None:
    """Nothing runs in it, and drivers that waited have ended: they do after ``warm_driver_minutes`` without a run."""
    record = read_record(stack.workspace)
    assert record
    supervisor = psutil.Process(record.supervisor.pid)

    def held() -> int:
        return sum(_held(one) for one in [supervisor, *supervisor.children(recursive=True)])

    eventually(lambda: IDLE_LIMIT / 3 < held() < IDLE_LIMIT)


def _held(process: psutil.Process) -> int:
    """The bytes that a process takes of the idle stack's: none, if it is a run's, waits for one, or has ended."""
    if process.status() == psutil.STATUS_ZOMBIE:
        return 0
    environment = process.environ()
    of_a_run = environment.get(COMPONENT_VARIABLE) == "warm-driver" or RUN_VARIABLE in environment
    if of_a_run or "CoarseGrainedExecutorBackend" in " ".join(process.cmdline()):
        return 0
    return int(process.memory_full_info().pss)


def test_what_holds_a_secret_is_for_its_owner_only(stack: Stack) -> None:
    state = stack.workspace.state
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    files = [*(state / "secrets").iterdir(), *(state / "spark" / "conf").iterdir()]
    assert files
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.fixture(scope="module")
def watched(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A Spark job in mid-run: the address of its UI, and its application id."""
    folder = tmp_path_factory.mktemp("watched")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    workspace = stack.workspace
    environment = dict(os.environ) | client_environment(workspace) | spark_environment(workspace)
    with open(folder / "log", "wb") as log:
        driver = subprocess.Popen(
            submit_argv(workspace, script, [str(folder)]), env=environment, stdout=log, stderr=log
        )
    try:
        eventually(lambda: (folder / "ui").read_text().split()[1:] or driver.poll(), 240)
        assert driver.poll() is None, (folder / "log").read_text()[-3000:]
        url, application = (folder / "ui").read_text().split()
        yield url, application
        (folder / "go").touch()
        assert driver.wait(240) == 0
    finally:
        driver.kill()


def secrets_of(workspace: Workspace) -> set[str]:
    return {secret(workspace, name) for name in NAMES if name != "access_key"}


def test_no_secret_in_any_command_line(stack: Stack, watched: tuple[str, str]) -> None:
    values = secrets_of(stack.workspace)
    lines = []
    for process in psutil.process_iter():
        try:
            lines.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    assert any("CoarseGrainedExecutorBackend" in line for line in lines)  # the job was looked at, too
    assert [line[:80] for line in lines if any(value in line for value in values)] == []


def test_no_secret_in_spark_s_pages(stack: Stack, watched: tuple[str, str]) -> None:
    url, application = watched
    workspace = stack.workspace
    pages = [f"{url}/environment/", f"{url}/executors/", f"{url}/api/v1/applications/{application}/environment"]
    pages += [workspace.endpoint("spark_master_ui"), workspace.endpoint("spark_history")]
    text = "".join(urllib.request.urlopen(page, timeout=60).read().decode() for page in pages)
    assert "spark.authenticate.secret" in text  # shown, and redacted
    assert not [value for value in secrets_of(workspace) if value in text]


def test_web_pages_of_other_sites_are_kept_from_spark(stack: Stack, watched: tuple[str, str]) -> None:
    """By a Host of theirs (DNS rebinding), by a form, and by a link: Spark kills jobs by GET, too."""
    driver, application = watched
    endpoint = stack.workspace.endpoint
    worker = next(row["url"] for row in operate.status(stack.workspace) if row["name"] == "spark-worker-1")
    master, history = endpoint("spark_master_ui"), endpoint("spark_history")
    evil, origin = {"Host": "evil.example"}, {"Origin": "http://evil.example"}
    pages = {
        driver: ("/jobs/", "/api/v1/applications", f"/api/v1/applications/{application}/jobs", "/metrics/json/"),
        master: ("/", "/json/", "/metrics/master/json/", "/metrics/applications/json/"),
        worker: ("/", "/json/", "/metrics/json/"),
        history: ("/", "/api/v1/applications"),
    }
    for url, paths in pages.items():
        for path in paths:
            assert request("GET", url + path)[0] == 200, url + path
            for foreign in (evil, origin):
                assert request("GET", url + path, headers=foreign)[0] == 403, url + path
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    kill = f"id={application}&terminate=true".encode()
    ours = (b"not a loopback name", b"of another origin", b"must come from a page of this UI")
    killing = [("POST", f"{master}/app/kill/", kill)]
    killing += [(method, f"{driver}/stages/stage/kill/?id=0", None) for method in ("GET", "POST")]
    for foreign in ({}, evil, origin, {"Referer": "http://evil.example/"}, {"Referer": f"{master}.evil.example/"}):
        for method, url, body in killing:
            status, answer = request(method, url, body, {**form, **foreign})
            assert status == 403 and any(sentence in answer for sentence in ours), url
    for method, url, body in killing:  # their own pages get as far as Spark, which wants its own token beside
        own = {"Referer": url.replace("/kill/", "/")}
        assert not any(sentence in request(method, url, body, {**form, **own})[1] for sentence in ours)


def test_no_secret_in_any_log(stack: Stack, watched: tuple[str, str]) -> None:
    values = [value.encode() for value in secrets_of(stack.workspace)]
    state = stack.workspace.state
    folders = (state / "logs", state / "spark" / "events", state / "spark" / "work")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert any("work" in path.parts for path in files)
    assert [path for path in files if any(value in path.read_bytes() for value in values)] == []


def test_doctor_finds_nothing_wrong_and_says_what_is_open(stack: Stack) -> None:
    done = lakelet("doctor", "--output", "json")
    findings = json.loads(done.stdout)
    assert done.returncode == 0, [finding for finding in findings if finding["level"] == "problem"]
    assert any("transport port" in finding["text"] for finding in findings)
    assert {finding["check"] for finding in findings} >= NAMES_OF_COMPONENTS


def test_logs_are_shown_and_an_unknown_component_is_named(stack: Stack) -> None:
    done = lakelet("logs", "minio", "-n", "5", "--output", "json")
    assert done.returncode == 0
    assert all(row["component"] == "minio" for row in json.loads(done.stdout))
    done = lakelet("logs", "postgres")
    assert done.returncode == 1
    assert re.match(r"lakelet: There is no log of 'postgres': there are logs of .*opensearch", done.stderr)

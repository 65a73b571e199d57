"""Jobs on the real stack, as boto3 and the command line see them: states that come from what happened."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lakelet.data.objects import s3_client
from lakelet.jobs.client import JobClient, JobRun, Submitted
from lakelet.jobs.logs import Stream, read
from lakelet.workspace.paths import REPOSITORY
from lakelet.workspace.secrets import known_secrets
from tests.clients import glue_client

pytestmark = pytest.mark.stack
SCRIPTS = "bronze"

# A write through the control process, as every sink does it; the test decides how it goes on.
WRITER = """
import os, sys
from lakelet.data.objects import s3_client
from lakelet.data.zones import split_uri
from lakelet.workspace.control import call
from lakelet.workspace.paths import Workspace

workspace = Workspace.find()
s3 = s3_client(workspace)
def stage(location, objects):
    begun = call(workspace, "POST", "publishes", {"run_id": os.environ["LAKELET_RUN_ID"], "location": location})
    bucket, staging = split_uri(begun["staging"])
    for name, content in objects.items():
        s3.put_object(Bucket=bucket, Key=staging + name, Body=content)
    return begun, [{"source": staging + n, "target": split_uri(location)[1] + n} for n in objects]
def commit(begun, add):
    body = {"add": add, "sequence": begun["sequence"]}
    return call(workspace, "POST", f"publishes/{begun['publish_id']}/commit", body)
"""


class Jobs:
    """Runs scripts as jobs of the stack."""

    def __init__(self, workspace: Any) -> None:
        self.workspace = workspace
        self.client = JobClient(workspace)
        self.glue = glue_client(workspace)
        self.s3 = s3_client(workspace)

    def create(self, code: str, command: str = "pythonshell", **members: Any) -> str:
        name = f"test-{uuid.uuid4().hex[:12]}"
        if command == "glueetl":  # the scripts here are about Spark's processes
            members.setdefault("DefaultArguments", {"--engine": "spark"})
        key = f"test_scripts/{name}.py"
        self.s3.put_object(Bucket=SCRIPTS, Key=key, Body=code.encode())
        script = {"Name": command, "ScriptLocation": f"s3://{SCRIPTS}/{key}", "PythonVersion": "3"}
        self.glue.create_job(Name=name, Role="role", Command=script, **members)
        return name

    def start(self, code: str, command: str = "pythonshell", **members: Any) -> Submitted:
        return self.client.start(self.create(code, command, **members))

    def run(self, code: str, command: str = "pythonshell", **members: Any) -> JobRun:
        return self.client.wait(self.start(code, command, **members))

    def text(self, run: JobRun, stream: Stream = Stream.driver) -> str:
        return "\n".join(line.text for line in read(self.workspace, run["Id"], stream))


@pytest.fixture(scope="module")
def jobs(stack: Any) -> Jobs:
    return Jobs(stack.workspace)


def test_a_script_gets_its_arguments_as_glue_passes_them(jobs: Jobs) -> None:
    name = jobs.create("import sys; print(sys.argv[1:])", DefaultArguments={"--a": "1", "--b": "2"})
    run = jobs.client.wait(jobs.client.start(name, {"--b": "3", "--enable-metrics": ""}))
    assert run["JobRunState"] == "SUCCEEDED"
    assert run["Arguments"] == {"--a": "1", "--b": "3", "--enable-metrics": ""}
    own = ["--JOB_NAME", name, "--JOB_ID", f"j_{name}", "--JOB_RUN_ID", run["Id"]]
    assert jobs.text(run).strip() == str([*own, "--a", "1", "--b", "3", "--enable-metrics"])
    assert run["CompletedOn"] >= run["StartedOn"]
    assert "ErrorMessage" not in run


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit(3)", "exit code 3"),
        ("raise ValueError('no such flight')", "exit code 1: ValueError: no such flight"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
        (
            "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29)); bytearray(2**30)",
            "exit code 1: MemoryError",
        ),
        ("import os, sys; sys.stderr.write(os.environ['AWS_SECRET_ACCESS_KEY']); sys.exit(1)", "[redacted]"),
    ],
)
def test_a_failure_says_what_happened(jobs: Jobs, code: str, message: str) -> None:
    run = jobs.run(code)
    assert run["JobRunState"] == "FAILED"
    assert message in run["ErrorMessage"]
    assert not any(secret in json.dumps(run, default=str) for secret in known_secrets(jobs.workspace))


def test_an_exit_in_mid_write_is_never_a_success(jobs: Jobs) -> None:
    location = f"s3://gold/test_jobs_{uuid.uuid4().hex}/"
    write = f"begun, add = stage({location!r}, {{'a': b'half of it'}})"
    run = jobs.run(f"{WRITER}\n{write}\nos._exit(0)")
    assert run["JobRunState"] == "FAILED"
    assert f"its write to {location} was never committed" in run["ErrorMessage"]
    bucket, prefix = "gold", location.removeprefix("s3://gold/")
    assert jobs.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"] == 0
    assert jobs.s3.list_objects_v2(Bucket=bucket, Prefix=f".lakelet/staging/{run['Id']}/")["KeyCount"] == 0

    name = jobs.create(f"{WRITER}\n{write}\nprint(commit(begun, add))")
    for _ in range(2):  # a rerun replaces, it does not add
        run = jobs.client.wait(jobs.client.start(name))
        assert run["JobRunState"] == "SUCCEEDED", run
        assert jobs.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"] == 1

    run = jobs.run(f"{WRITER}\n{write}\ncommit(begun, add)\nos.kill(os.getpid(), 9)")
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].endswith(f"What it wrote to {location} was published before and stays.")


def test_a_failed_run_is_retried_as_an_attempt_of_its_own(jobs: Jobs) -> None:
    code = "import os, sys; n = int(os.environ['LAKELET_ATTEMPT']); print('attempt', n); sys.exit(1 - n)"
    first = jobs.start(code, MaxRetries=2)
    run = jobs.client.wait(first)
    assert (run["JobRunState"], run["Attempt"], run["PreviousRunId"]) == ("SUCCEEDED", 1, first.run_id)
    assert run["Id"] == f"{first.run_id}_attempt_1"
    assert jobs.text(run) == "attempt 1"
    newest, oldest = jobs.client.runs(first.job)
    assert [newest["Id"], oldest["Id"], oldest["JobRunState"]] == [run["Id"], first.run_id, "FAILED"]


def test_a_missing_script_fails_in_one_sentence(jobs: Jobs) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    script = {"Name": "pythonshell", "ScriptLocation": f"s3://{SCRIPTS}/test_scripts/none.py"}
    jobs.glue.create_job(Name=name, Role="role", Command=script)
    run = jobs.client.wait(jobs.client.start(name))
    assert run["JobRunState"] == "FAILED"
    assert "test_scripts/none.py cannot be read" in run["ErrorMessage"]


@pytest.mark.parametrize("name", ["data.py", "json.py", "my script.py"])
def test_neither_a_script_nor_its_neighbours_stand_in_for_our_packages(jobs: Jobs, tmp_path: Path, name: str) -> None:
    script = tmp_path / name
    script.write_text("import json, lakelet.data.zones as zones, lakelet.etl.arguments; print(zones.GOLD)")
    for neighbour in ("etl.py", "jobs.py", "workspace.py"):
        (tmp_path / neighbour).write_text("raise SystemExit(9)")
    job = f"test-{uuid.uuid4().hex[:12]}"
    command = {"Name": "pythonshell", "ScriptLocation": script.as_uri()}
    jobs.glue.create_job(Name=job, Role="role", Command=command)
    run = jobs.client.wait(jobs.client.start(job))
    assert run["JobRunState"] == "SUCCEEDED", run
    assert jobs.text(run) == "gold"


def test_a_run_is_stopped_with_all_that_it_started(jobs: Jobs) -> None:
    code = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)']).pid, flush=True)\n"
        "time.sleep(1000)"
    )
    submitted = jobs.start(code)

    def stop_when_running(run: JobRun) -> None:
        if run["JobRunState"] == "RUNNING":
            jobs.client.stop(submitted.job, submitted.run_id)

    run = jobs.client.wait(submitted, stop_when_running)
    assert run["JobRunState"] == "STOPPED"
    assert all(not Path(f"/proc/{pid}/exe").exists() for pid in jobs.text(run).split())
    answer = jobs.glue.batch_stop_job_run(JobName=submitted.job, JobRunIds=[submitted.run_id, "jr_none"])
    assert [error["ErrorDetail"]["ErrorCode"] for error in answer["Errors"]] == [
        "InvalidInputException",
        "EntityNotFoundException",
    ]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda glue, job: glue.create_job(Name=job, Role="r", Command={"Name": "gluestreaming"}), "InvalidInput"),
        (lambda glue, job: glue.create_job(Name=job, Role="r", Command={"Name": "glueetl"}), "InvalidInput"),
        (lambda glue, job: glue.get_job(JobName="none"), "EntityNotFound"),
        (lambda glue, job: glue.start_job_run(JobName="none"), "EntityNotFound"),
        (lambda glue, job: glue.get_job_run(JobName=job, RunId="jr_none"), "EntityNotFound"),
        (lambda glue, job: glue.get_job_runs(JobName="none"), "EntityNotFound"),
        (lambda glue, job: glue.get_job_runs(JobName=job, NextToken="x"), "InvalidInput"),
        (lambda glue, job: glue.update_job(JobName="none", JobUpdate={"Command": {"Name": "x"}}), "EntityNotFound"),
        (lambda glue, job: glue.update_job(JobName=job, JobUpdate={"Command": {"Name": "x"}}), "InvalidInput"),
        (lambda glue, job: glue.start_job_run(JobName=job, Arguments={"x": "1"}), "InvalidInput"),
        (lambda glue, job: glue.start_job_run(JobName=job, Timeout=10**6), "InvalidInput"),
        (
            lambda glue, job: glue.start_job_run(
                JobName=job, Arguments={"--job-bookmark-option": "job-bookmark-enable"}
            ),
            "NotImplemented",
        ),
        (lambda glue, job: glue.start_job_run(JobName=job, Arguments={"--extra-jars": "x"}), "NotImplemented"),
    ],
)
def test_mistakes_have_awss_names(jobs: Jobs, call: Callable[[Any, str], Any], code: str) -> None:
    with pytest.raises(ClientError) as raised:
        call(jobs.glue, jobs.create("print()"))
    assert raised.value.response["Error"]["Code"] == f"{code}Exception"


def test_definitions_and_pages(jobs: Jobs) -> None:
    name = jobs.create("print()", MaxRetries=1, ExecutionProperty={"MaxConcurrentRuns": 3})
    job = jobs.glue.get_job(JobName=name)["Job"]
    assert (job["MaxRetries"], job["Timeout"], job["ExecutionProperty"]) == (1, 2880, {"MaxConcurrentRuns": 3})
    with pytest.raises(jobs.glue.exceptions.AlreadyExistsException):
        jobs.glue.create_job(Name=name, Role="r", Command=job["Command"])
    jobs.glue.update_job(JobName=name, JobUpdate={"Role": "r", "Command": job["Command"], "Timeout": 5})
    job = jobs.glue.get_job(JobName=name)["Job"]
    assert (job["MaxRetries"], job["Timeout"]) == (0, 5)  # UpdateJob replaces the whole definition

    pages = jobs.glue.get_paginator("get_jobs").paginate(PaginationConfig={"PageSize": 2})
    names = [one["Name"] for page in pages for one in page["Jobs"]]
    assert names == sorted(names) and name in names
    for _ in range(3):
        assert jobs.client.wait(jobs.client.start(name))["JobRunState"] == "SUCCEEDED"
    first = jobs.glue.get_job_runs(JobName=name, MaxResults=2)
    second = jobs.glue.get_job_runs(JobName=name, MaxResults=2, NextToken=first["NextToken"])
    assert len({run["Id"] for run in first["JobRuns"] + second["JobRuns"]}) == 3
    assert "NextToken" not in second

    jobs.glue.delete_job(JobName=name)
    assert jobs.glue.delete_job(JobName=name)["JobName"] == name  # AWS: no error when it is not there
    assert len(jobs.glue.get_job_runs(JobName=name)["JobRuns"]) == 3


def test_concurrent_runs_are_limited(jobs: Jobs) -> None:
    name = jobs.create("import time; time.sleep(1000)")
    first = jobs.client.start(name)
    with pytest.raises(jobs.glue.exceptions.ConcurrentRunsExceededException):
        jobs.glue.start_job_run(JobName=name)
    jobs.client.stop(name, first.run_id)
    jobs.client.wait(first)
    second = jobs.client.start(name)
    jobs.client.stop(name, second.run_id)
    assert jobs.client.wait(second)["JobRunState"] == "STOPPED"


SPARK = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
def shout(rows):
    for row in rows:
        print("an executor saw", row, file=sys.stderr, flush=True)
        yield row
print(spark.sparkContext.parallelize(range(4), 2).mapPartitions(shout).sum())
"""


def test_five_runs_submitted_at_once_all_finish(jobs: Jobs) -> None:
    submitted = [jobs.start(SPARK, "glueetl") for _ in range(2)]
    submitted += [jobs.start("print(6)") for _ in range(3)]
    waited = []

    def notice(run: JobRun) -> None:
        if run["JobRunState"] == "WAITING" and "in the queue" in run.get("StateDetail", ""):
            waited.append(run["StateDetail"])

    runs = [jobs.client.wait(one, notice) for one in reversed(submitted)]
    assert [run["JobRunState"] for run in runs] == ["SUCCEEDED"] * 5, runs
    assert [jobs.text(run) for run in runs] == ["6"] * 5
    # The second Spark job waited for the first one's cores; the Python shell jobs waited for neither.
    assert waited and all(reason.startswith("waiting for 2 cores") for reason in waited)
    assert "an executor saw 3" in jobs.text(runs[-1], Stream.executors)


# -- the command line ----------------------------------------------------------------------------------------------


def lakelet(jobs: Jobs, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **jobs.workspace.environment}
    argv = [str(Path(sys.executable).parent / "lakelet"), *words]
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, cwd=REPOSITORY)


def test_the_command_line_submits_follows_and_shows(jobs: Jobs, tmp_path: Path) -> None:
    script = tmp_path / f"test_cli_{uuid.uuid4().hex[:8]}.py"
    script.write_text("import sys; print('month', sys.argv[-1]); sys.exit(int(sys.argv[-1]))")
    done = lakelet(jobs, "jobs", "submit", str(script), "--arg", "month=0", "--wait", "--output", "json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["state"], record["arguments"]) == ("SUCCEEDED", {"--month": "0"})
    short = record["run"][:15]
    assert lakelet(jobs, "jobs", "logs", short).stdout == "month 0\n"
    assert json.loads(lakelet(jobs, "jobs", "show", short, "-o", "json").stdout)["run"] == record["run"]
    runs = json.loads(lakelet(jobs, "jobs", "runs", script.stem, "-o", "json").stdout)
    assert [run["run"] for run in runs] == [record["run"]]
    listed = json.loads(lakelet(jobs, "jobs", "list", "-o", "json").stdout)
    assert script.stem in [job["name"] for job in listed]

    failed = lakelet(jobs, "jobs", "submit", script.stem, "--arg", "month=3", "--wait")
    assert failed.returncode == 4
    assert "month 3\n" in failed.stdout, "the driver's output is streamed"
    assert "ended in FAILED: The driver ended with exit code 3." in failed.stderr
    assert "--stream error" in failed.stderr
    assert json.loads(lakelet(jobs, "jobs", "submit", script.stem, "--arg", "month=3", "--wait", "-o", "json").stdout)
    assert "No run matches 'jr_x'" in lakelet(jobs, "jobs", "show", "jr_x").stderr


@pytest.mark.parametrize("answer", ["y", "n"])
def test_ctrl_c_asks_whether_to_stop_the_run(jobs: Jobs, tmp_path: Path, answer: str) -> None:
    script = tmp_path / f"test_cli_{uuid.uuid4().hex[:8]}.py"
    script.write_text("import time; time.sleep(1000)")
    env = {**os.environ, **jobs.workspace.environment}
    ours, theirs = pty.openpty()
    lakelet = Path(sys.executable).parent / "lakelet"
    process = subprocess.Popen(
        [str(lakelet), "jobs", "submit", str(script), "--wait"],
        env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=_take_terminal,  # noqa: PLW1509
    )  # fmt: skip
    os.close(theirs)
    said = _until(ours, "RUNNING")
    os.write(ours, b"\x03")
    said += _until(ours, "Stop the run? [y/N]")
    os.write(ours, answer.encode() + b"\n")
    said += _until(ours, "STOPPED" if answer == "y" else "is still running")
    assert process.wait(120) == (4 if answer == "y" else 130), said
    run = next(jobs.client.runs(script.stem))
    if answer == "n":
        assert run["JobRunState"] == "RUNNING"
        jobs.client.stop(script.stem, run["Id"])
    assert jobs.client.wait(Submitted(script.stem, run["Id"]))["JobRunState"] == "STOPPED"
    os.close(ours)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _until(terminal: int, text: str) -> str:
    """What comes from the terminal up to ``text``."""
    said = ""
    deadline = time.monotonic() + 120
    while text not in said:
        ready, _, _ = select.select([terminal], [], [], max(deadline - time.monotonic(), 0))
        assert ready, f"{text!r} never came: {said}"
        said += os.read(terminal, 4096).decode(errors="replace")
    return said


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, ("jobs", "submit", "no_such_job")),
        (1, ("jobs", "submit", "/no/such/script.py")),
        (1, ("jobs", "show", "jr_zzz")),
        (1, ("jobs", "logs", "jr_zzz")),
        (1, ("jobs", "stop", "jr_zzz")),
        (1, ("jobs", "test", "no_such_job")),
        (1, ("search", "x", "--index", "nope")),
        (1, ("catalog", "show", "no.such")),
        (1, ("notebook", "nothing.ipynb")),
        (2, ("jobs", "submit", "x", "--arg", "nonsense")),
        (2, ("jobs", "submit", "flights_silver", "--engine", "fast")),
        (2, ("jobs", "submit", "flights_silver", "--engine", "")),
        (2, ("jobs", "logs", "../../etc")),
        (2, ("jobs", "stop", "")),
        (2, ("search", "x", "--index", "")),
        (2, ("catalog", "show", "no_database")),
    ],
)
def test_mistakes_on_the_command_line_are_one_sentence(jobs: Jobs, code: int, words: tuple[str, ...]) -> None:
    """What is not there is 1, what makes no sense as written is 2 (docs/commands.md)."""
    done = lakelet(jobs, *words)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("lakelet: ") and done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr

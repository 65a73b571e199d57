"""Job definitions: Glue's members checked, runs made from them, and jobs read from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakelet.jobs.definitions import PYTHON_SHELL_MB, check, library, new_run, read_job, script_job
from lakelet.jobs.launchers import script_arguments
from lakelet.project import TEMPLATE
from lakelet.workspace.errors import InvalidInputException, NotImplementedException, UsageError
from lakelet.workspace.paths import REPOSITORY, Workspace
from lakelet.workspace.runs import RunState
from lakelet.workspace.settings import Settings

SPARK = {"Command": {"Name": "glueetl", "ScriptLocation": "s3://scripts/a.py"}}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, environ={"LAKELET_WORKERS": "3", "LAKELET_WORKER_CORES": "2"})


def job(**members: object) -> dict[str, object]:
    return {"Name": "job", **check("job", {**SPARK, **members})}


@pytest.mark.parametrize(
    "members",
    [
        {"Command": {"Name": "glueray", "ScriptLocation": "s3://b/k"}},
        {"Command": {"Name": "glueetl", "ScriptLocation": "s3://b/"}},
        {"Command": {"Name": "glueetl", "ScriptLocation": "ftp://b/k"}},
        {"Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k", "PythonVersion": "2"}},
        {"Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k", "PythonVersion": "3.x"}},
        {"GlueVersion": "latest"},
        {"WorkerType": "G.3X"},
        {"Role": "arn:aws:iam::1:user/a"},
        {"MaxRetries": 11},
        {"Timeout": 0},
        {"ExecutionProperty": {"MaxConcurrentRuns": 0}},
        {"MaxCapacity": 2.0, "NumberOfWorkers": 2},
        {"DefaultArguments": {"name": "no dashes"}},
        {"DefaultArguments": {"--name": "no\0nul"}},
        {"DefaultArguments": {"--job-bookmark-option": "on"}},
    ],
)
def test_definitions_that_make_no_sense_are_refused(members: dict[str, object]) -> None:
    with pytest.raises(InvalidInputException):
        job(**members)


@pytest.mark.parametrize(
    "members",
    [
        {"WorkerType": "Z.2X"},
        {"DefaultArguments": {"--encryption-type": "sse-s3"}},
        {"DefaultArguments": {"--job-language": "scala"}},
        {"DefaultArguments": {"--spark-event-logs-path": "s3://b/k/"}},
        {"DefaultArguments": {"--enable-lakeformation-fine-grained-access": "true"}},
        {"Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k", "Runtime": "Ray2.4"}},
        {"DefaultArguments": {"--extra-files": "s3://b/k"}},
        {"DefaultArguments": {"--python-modules-installer-option": "--upgrade"}},
        {"DefaultArguments": {"--datalake-formats": "iceberg,hudi"}},
        {"DefaultArguments": {"--user-jars-first": "true"}},
        {"DefaultArguments": {"--customer-driver-env-vars": "A=b"}},
        {"DefaultArguments": {"--customer-executor-env-vars": "A=b"}},
        {"DefaultArguments": {"--job-bookmark-option": "job-bookmark-enable"}},
        {"NonOverridableArguments": {"--extra-jars": "s3://b/k.jar"}},
    ],
)
def test_what_is_not_served_is_refused_by_name(members: dict[str, Any]) -> None:
    ((_, value),) = members.items()
    names = [*value, *value.values()] if isinstance(value, dict) and "Name" not in value else ["Z.2X", "Ray2.4"]
    with pytest.raises(NotImplementedException) as raised:
        job(**members)
    assert any(name in str(raised.value) for name in names)


@pytest.mark.parametrize("option", ["job-bookmark-enable", "job-bookmark-pause"])
def test_job_bookmarks_are_refused_by_name_and_may_be_disabled(option: str, settings: Settings) -> None:
    argument = "--job-bookmark-option"
    for refuse in (
        lambda: job(DefaultArguments={argument: option}),
        lambda: new_run(job(), {argument: option}, settings),
    ):
        with pytest.raises(NotImplementedException, match=f"{argument} {option}"):
            refuse()
    disabled = {argument: "job-bookmark-disable"}
    assert new_run(job(DefaultArguments=disabled), disabled, settings).arguments == disabled


@pytest.mark.parametrize(
    "arguments",
    [{"--engine": "sail"}, {"--engine": "fast"}, {"--conf": "spark.a=b"}, {"--datalake-formats": "delta"}],
)
def test_what_is_spark_s_is_refused_in_a_python_shell_job(arguments: dict[str, str], settings: Settings) -> None:
    shell = {"Name": "pythonshell", "ScriptLocation": "s3://b/k.py"}
    ((name, _),) = arguments.items()
    with pytest.raises(InvalidInputException, match=f"Python shell job.* leave {name} out"):
        new_run(job(Command=shell), arguments, settings)
    with pytest.raises(InvalidInputException, match=f"Python shell job.* leave {name} out"):
        new_run(job(Command=shell, DefaultArguments=arguments), {}, settings)


def test_a_run_takes_its_arguments_from_three_places(settings: Settings) -> None:
    defined = job(DefaultArguments={"--a": "1", "--b": "1"}, NonOverridableArguments={"--c": "1"})
    run = new_run(defined, {"--b": "2", "--c": "2", "--d": "2", "--conf": "spark.x=1 --conf spark.y=a=b"}, settings)
    assert run.arguments == {"--a": "1", "--b": "2", "--c": "1", "--d": "2", "--conf": "spark.x=1 --conf spark.y=a=b"}
    assert run.state is RunState.WAITING
    words = script_arguments(run)
    assert words[6:] == ["--a", "1", "--b", "2", "--c", "1", "--d", "2"]  # as the definition has them, then new ones
    assert words[:6] == ["--JOB_NAME", "job", "--JOB_ID", "j_job", "--JOB_RUN_ID", run.id]


def test_a_spark_job_takes_the_cluster_unless_it_says_how_many_workers(settings: Settings) -> None:
    whole = new_run(job(), {}, settings)
    assert (whole.cores, whole.memory_mb) == (6, 1024 + 3 * 1024)
    two = new_run(job(NumberOfWorkers=3, WorkerType="G.1X"), {}, settings)
    assert (two.cores, two.memory_mb) == (4, 1024 + 2 * 1024)
    assert new_run(job(NumberOfWorkers=99, WorkerType="G.1X"), {}, settings).cores == 6
    assert new_run(job(), {}, settings, NumberOfWorkers=2).cores == 2
    shell = new_run(job(Command={"Name": "pythonshell", "ScriptLocation": "s3://b/k.py"}), {}, settings)
    assert (shell.cores, shell.memory_mb) == (0, PYTHON_SHELL_MB)


def test_a_capacity_given_one_way_replaces_the_job_s_given_the_other_way(settings: Settings) -> None:
    by_workers, by_capacity = job(NumberOfWorkers=2, WorkerType="G.1X"), job(MaxCapacity=2.0)
    run = new_run(by_workers, {}, settings, MaxCapacity=3.0)
    assert (run.cores, run.spec["MaxCapacity"]) == (4, 3.0)
    assert not run.spec.keys() & {"NumberOfWorkers", "WorkerType"}
    run = new_run(by_capacity, {}, settings, NumberOfWorkers=3, WorkerType="G.1X")
    assert (run.cores, run.spec["NumberOfWorkers"]) == (4, 3)
    assert "MaxCapacity" not in run.spec
    with pytest.raises(InvalidInputException, match="MaxCapacity"):
        new_run(job(), {}, settings, MaxCapacity=3.0, NumberOfWorkers=2)


def test_timeout_and_retries_go_to_the_run(settings: Settings) -> None:
    assert new_run(job(Timeout=5, MaxRetries=2), {}, settings).timeout_seconds == 300
    assert new_run(job(Timeout=5), {}, settings, Timeout=7).timeout_seconds == 420
    with pytest.raises(InvalidInputException):
        new_run(job(), {}, settings, Timeout=0)


def test_a_job_is_read_from_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "load"
    folder.mkdir()
    (folder / "script.py").write_text("print()")
    (folder / "job.toml").write_text('type = "pythonshell"\ntimeout_minutes = 5\nworkers = 3\n[arguments]\nmonth = 1\n')
    read = read_job(folder)
    assert check("load", {member: value for member, value in read.items() if member != "Name"})
    assert (read["Name"], read["Timeout"], read["NumberOfWorkers"]) == ("load", 5, 3)
    assert read["DefaultArguments"] == {"--month": "1"}
    for broken in ("speed = 9", "timeout_minutes = 'x'", "type ="):
        (folder / "job.toml").write_text(broken)
        with pytest.raises(UsageError, match="load"):
            read_job(folder)


@pytest.mark.parametrize("root", [REPOSITORY, TEMPLATE], ids=["ours", "template"])
def test_every_job_of_the_library_is_sound(root: Path) -> None:
    found = library(Workspace(root, root))
    assert found
    for folder in found.values():
        members = read_job(folder)
        assert check(members.pop("Name"), members)


def test_a_projects_job_comes_before_ours(tmp_path: Path) -> None:
    ours = next(iter(library(Workspace(REPOSITORY, tmp_path))))
    for name in (ours, "zz"):
        (tmp_path / "jobs" / "library" / name).mkdir(parents=True)
        (tmp_path / "jobs" / "library" / name / "job.toml").touch()
    found = library(Workspace(tmp_path, tmp_path))
    assert found[ours] == tmp_path / "jobs" / "library" / ours and list(found)[-1] == "zz"
    assert found.keys() - {"zz"} == library(Workspace(REPOSITORY, tmp_path)).keys()


def test_a_script_tells_what_kind_of_job_it_is(tmp_path: Path) -> None:
    script = tmp_path / "a_job.py"
    for text, command in {
        "import pyspark": "glueetl",
        "from awsglue.context import GlueContext": "glueetl",
        "import os, pyspark.sql as ps": "glueetl",
        "def late():\n    import json; from pyspark.sql import SparkSession": "glueetl",
        "from pyspark import SparkContext\ndef broken(": "glueetl",
        "# import pyspark would be slow": "pythonshell",
        '"""\nimport pyspark\n"""\nimport pyspark_helper': "pythonshell",
        "def broken(": "pythonshell",
    }.items():
        script.write_text(text)
        assert script_job(script)["Command"]["Name"] == command


def test_values_that_promise_nothing_here_are_kept() -> None:
    arguments = {"--job-language": "python", "--enable-metrics": "true", "--TempDir": "s3://b/t/"}
    kept = job(
        ExecutionClass="FLEX", DefaultArguments=arguments, Role="arn:aws:iam::123456789012:role/service-role/etl"
    )
    assert (kept["ExecutionClass"], kept["DefaultArguments"]) == ("FLEX", arguments)


def test_the_default_timeout_follows_the_version() -> None:
    assert [job(GlueVersion=version)["Timeout"] for version in ("4.0", "5.0", "5.1", "6.0", "auto")] == [
        2880,
        *[480] * 4,
    ]


def test_a_run_has_the_members_that_are_kept(settings: Settings) -> None:
    defined = job(GlueVersion="5.0", NotificationProperty={"NotifyDelayAfter": 5})
    spec = new_run(defined, {}, settings, NotificationProperty={"NotifyDelayAfter": 9}, ExecutionClass="FLEX").spec
    kept = ("GlueVersion", "NotificationProperty", "ExecutionClass")
    assert [spec[member] for member in kept] == ["5.0", {"NotifyDelayAfter": 9}, "FLEX"]

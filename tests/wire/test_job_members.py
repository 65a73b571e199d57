"""Members of a job that change nothing here come back as they were given; what would be a false promise is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import Wire

COMMAND = {"Name": "glueetl", "ScriptLocation": "s3://scripts/a.py", "PythonVersion": "3"}
KEPT = {
    "Description": "d", "LogUri": "s3://logs/", "Connections": {"Connections": ["a"]}, "AllocatedCapacity": 2,
    "NotificationProperty": {"NotifyDelayAfter": 5}, "SourceControlDetails": {"Provider": "GITHUB", "Branch": "main"},
    "MaintenanceWindow": "Sun:10", "JobMode": "SCRIPT", "JobRunQueuingEnabled": True, "ExecutionClass": "FLEX",
    "GlueVersion": "5.0", "CodeGenConfigurationNodes": {}, "NonOverridableArguments": {},
}  # fmt: skip


@pytest.fixture
def glue(wire: Wire) -> Iterator[Any]:
    client = wire.client()
    yield client
    client.delete_job(JobName="kept")


def test_kept_members_come_back(glue: Any) -> None:
    workers = {"WorkerType": "G.1X", "NumberOfWorkers": 2}
    glue.create_job(Name="kept", Role="etl", Command=COMMAND, Tags={"team": "a"}, **KEPT, **workers)
    created = glue.get_job(JobName="kept")["Job"]
    assert {member: created.get(member) for member in KEPT} == KEPT
    assert created["Timeout"] == 480
    arn = "arn:aws:glue:us-east-1:123456789012:job/kept"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "a"}
    glue.update_job(JobName="kept", JobUpdate={**KEPT, "Role": "etl", "LogUri": "s3://other/"})
    updated = glue.get_job(JobName="kept")["Job"]
    assert (updated["LogUri"], updated["Command"], updated.get("WorkerType")) == ("s3://other/", COMMAND, None)


def test_tags_that_are_refused_leave_no_job(glue: Any) -> None:
    with pytest.raises(ClientError):
        glue.create_job(Name="kept", Role="etl", Command=COMMAND, Tags={"aws:reserved": "a"})
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_job(JobName="kept")


def test_a_run_with_narrower_rights_is_refused(glue: Any) -> None:
    glue.create_job(Name="kept", Role="etl", Command=COMMAND)
    with pytest.raises(ClientError, match="ExecutionRoleSessionPolicy"):
        glue.start_job_run(JobName="kept", ExecutionRoleSessionPolicy="{}")


def test_a_security_configuration_that_encrypts_is_refused(glue: Any) -> None:
    for name, mode in (("off", "DISABLED"), ("on", "SSE-S3")):
        encryption = {"S3Encryption": [{"S3EncryptionMode": mode}]}
        glue.create_security_configuration(Name=name, EncryptionConfiguration=encryption)
    try:
        with pytest.raises(ClientError, match="SSE-S3"):
            glue.create_job(Name="kept", Role="etl", Command=COMMAND, SecurityConfiguration="on")
        glue.create_job(Name="kept", Role="etl", Command=COMMAND, SecurityConfiguration="off")
        assert glue.get_job(JobName="kept")["Job"]["SecurityConfiguration"] == "off"
        with pytest.raises(ClientError, match="SSE-S3"):
            glue.start_job_run(JobName="kept", SecurityConfiguration="on")
    finally:
        for name in ("off", "on"):
            glue.delete_security_configuration(Name=name)


def test_a_run_is_run_again_with_its_arguments(glue: Any) -> None:
    defined = {"DefaultArguments": {"--a": "1", "--b": "1"}, "NonOverridableArguments": {"--d": "1"}}
    glue.create_job(
        Name="kept", Role="etl", Command=COMMAND, ExecutionProperty={"MaxConcurrentRuns": 9}, **defined, Timeout=7
    )
    first = glue.start_job_run(JobName="kept", Arguments={"--b": "2", "--c": "2"})["JobRunId"]
    again = glue.start_job_run(JobName="kept", JobRunId=first)["JobRunId"]
    other = glue.start_job_run(JobName="kept", JobRunId=again, Arguments={"--c": "3", "--d": "3"})["JobRunId"]
    runs = {run["Id"]: run for run in glue.get_job_runs(JobName="kept")["JobRuns"]}
    assert runs[again]["Arguments"] == {"--a": "1", "--b": "2", "--c": "2", "--d": "1"}
    assert runs[other]["Arguments"] == {"--a": "1", "--b": "2", "--c": "3", "--d": "1"}
    assert [runs[one].get("PreviousRunId") for one in (first, again, other)] == [None, first, again]
    assert runs[again]["Attempt"] == 0
    glue.create_job(Name="other", Role="etl", Command=COMMAND)
    try:
        for name, run_id in (("kept", "jr_none"), ("other", first)):
            with pytest.raises(glue.exceptions.EntityNotFoundException):
                glue.start_job_run(JobName=name, JobRunId=run_id)
    finally:
        glue.delete_job(JobName="other")
        glue.batch_stop_job_run(JobName="kept", JobRunIds=list(runs))


def test_jobs_are_listed_by_their_tags(glue: Any) -> None:
    names = [f"tagged-{number}" for number in range(3)]
    for number, name in enumerate(names):
        glue.create_job(Name=name, Role="etl", Command=COMMAND, Tags={"team": "a", "even": str(number % 2 == 0)})
    glue.create_job(Name="kept", Role="etl", Command=COMMAND)
    try:
        assert glue.list_jobs(Tags={"team": "a"})["JobNames"] == names
        page = glue.list_jobs(Tags={"team": "a", "even": "True"}, MaxResults=1)
        assert page["JobNames"] == names[:1]
        rest = glue.list_jobs(Tags={"team": "a", "even": "True"}, MaxResults=1, NextToken=page["NextToken"])
        assert (rest["JobNames"], rest.get("NextToken")) == (names[2:], None)
        assert glue.list_jobs(Tags={"team": "b"})["JobNames"] == []
        with pytest.raises(glue.exceptions.InvalidInputException):
            glue.list_jobs(Tags={"team": "b"}, NextToken=page["NextToken"])
    finally:
        for name in names:
            glue.delete_job(JobName=name)


@pytest.mark.parametrize("way", [{"WorkerType": "G.1X"}, {"NumberOfWorkers": 2}])
def test_a_capacity_is_given_one_way(glue: Any, way: dict[str, Any]) -> None:
    with pytest.raises(glue.exceptions.InvalidInputException, match="MaxCapacity"):
        glue.create_job(Name="kept", Role="etl", Command=COMMAND, MaxCapacity=2.0, **way)
    glue.create_job(Name="kept", Role="etl", Command=COMMAND)
    with pytest.raises(glue.exceptions.InvalidInputException, match="MaxCapacity"):
        glue.update_job(JobName="kept", JobUpdate={"Role": "etl", "Command": COMMAND, "MaxCapacity": 2.0, **way})
    with pytest.raises(glue.exceptions.InvalidInputException, match="MaxCapacity"):
        glue.start_job_run(JobName="kept", MaxCapacity=2.0, **way)

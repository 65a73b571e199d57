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

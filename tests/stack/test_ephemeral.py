"""A stack to throw away, for people's own tests: the documentation's example, run as they would run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from lakelet.workspace.control import call
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import REPOSITORY, STATE_VARIABLE, Workspace
from tests.conftest import Stack

pytest_plugins = ["pytester"]

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "testing.md"
CACHE = Workspace(REPOSITORY, REPOSITORY).cache.root  # pytester has another home, and so another cache
MORE = """
import boto3
import os
import pytest
from pathlib import Path

KEPT = {}


def test_everything_goes_with_a_reset(lakelet):
    KEPT["state"] = Path(os.environ["LAKELET_STATE"])
    s3, glue, iam = (lakelet.client(service) for service in ("s3", "glue", "iam"))
    for number in range(30):
        s3.put_object(Bucket="bronze", Key=f"k{number}", Body=b"x")
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket="versions", Key="k", Body=body)
    glue.create_database(DatabaseInput={"Name": "d"})
    glue.create_table(DatabaseName="d", TableInput={"Name": "t", "PartitionKeys": [{"Name": "n", "Type": "int"}]})
    glue.create_partition(DatabaseName="d", TableName="t", PartitionInput={"Values": ["1"]})
    iam.create_user(UserName="u")
    key = iam.create_access_key(UserName="u")["AccessKey"]
    own = boto3.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    with pytest.raises(own.exceptions.ClientError, match="AccessDenied"):
        own.list_objects_v2(Bucket="bronze")
    assert lakelet.reset() == 32
    with pytest.raises(own.exceptions.ClientError, match="InvalidAccessKeyId"):
        own.list_objects_v2(Bucket="bronze")
    assert glue.get_databases()["DatabaseList"] == [] and iam.list_users()["Users"] == []
    assert {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} == {"bronze", "silver", "gold", "quarantine"}
    assert "Contents" not in s3.list_objects_v2(Bucket="bronze")
    glue.create_database(DatabaseInput={"Name": "d"})
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_table(DatabaseName="d", Name="t")


def test_the_environment_is_set_for_the_test_alone(lakelet):
    assert os.environ["AWS_ENDPOINT_URL"] == lakelet.endpoint_url


def test_commands_answer_or_say_what_failed(lakelet):
    lakelet.client("glue").create_database(DatabaseInput={"Name": "d"})
    assert [row["name"] for row in lakelet.run("catalog", "databases")] == ["d"]
    with pytest.raises(AssertionError, match="no_such"):
        lakelet.run("catalog", "show", "no_such.table")


def test_packages_of_the_tests_stand_beside_ours(lakelet):
    import data, jobs
    assert data.NAME == "mine" and lakelet.run("status")


def test_without_the_fixture():
    assert "AWS_ENDPOINT_URL" not in os.environ
    assert KEPT["state"].exists()
"""


def test_the_plugin_does_what_its_page_says(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", STATE_VARIABLE))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LAKELET_CACHE", str(CACHE))
    assert [point.value for point in entry_points(group="pytest11", name="lakelet")] == ["lakelet.testing"]
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    pytester.makepyfile(test_example=example, test_more=MORE, data="NAME = 'mine'", workspace="")
    pytester.mkdir("jobs")
    pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=120).assert_outcomes(passed=7)


def test_up_ephemeral_prints_what_a_shell_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    lakelet = str(Path(sys.executable).with_name("lakelet"))
    done = subprocess.run(
        [lakelet, "up", "--ephemeral", "--output", "json"], capture_output=True, text=True, check=True
    )
    variables = json.loads(done.stdout)
    environment = {**os.environ, **variables}
    try:
        state = Path(variables[STATE_VARIABLE])
        assert state.parent == tmp_path and (state / "state.db").exists()
        argv = [lakelet, "aws", "sts", "get-caller-identity", "--output", "json"]
        said = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
        assert json.loads(said.stdout)["Account"] == "123456789012"
    finally:
        subprocess.run([lakelet, "down"], env=environment, check=True)
    assert not state.exists()


def test_a_stack_that_is_kept_is_not_reset(stack: Stack) -> None:
    assert not stack.workspace.ephemeral
    with pytest.raises(UsageError, match="--ephemeral"):
        call(stack.workspace, "POST", "reset")


def test_another_object_store_is_not_emptied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from lakelet.stack.ephemeral import new_workspace

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("LAKELET_S3_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match="s3_endpoint"):
        new_workspace()

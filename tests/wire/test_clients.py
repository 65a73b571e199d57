"""Clients that nobody wrote for Lakelet: the AWS CLI, and two writers at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lakelet.workspace.secrets import secret
from tests.wire.conftest import Wire

WRITERS, INCREMENTS = 4, 10


def test_the_aws_cli_just_works(wire: Wire, database: str) -> None:
    def aws(*arguments: str) -> subprocess.CompletedProcess[str]:
        keys = {
            "AWS_ENDPOINT_URL": wire.url, "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull,
            "AWS_ACCESS_KEY_ID": secret(wire.workspace, "access_key"),
            "AWS_SECRET_ACCESS_KEY": secret(wire.workspace, "secret_key"),
        }  # fmt: skip
        program = Path(sys.executable).with_name("aws")
        environment = {**os.environ, **keys}
        argv = [program, *arguments]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120, check=False)

    listed = aws("glue", "get-databases", "--output", "json")
    assert listed.returncode == 0, listed.stderr
    assert database in [found["Name"] for found in json.loads(listed.stdout)["DatabaseList"]]
    missing = aws("glue", "get-table", "--database-name", database, "--name", "none")
    assert missing.returncode != 0 and "(EntityNotFoundException)" in missing.stderr
    assert json.loads(aws("sts", "get-caller-identity", "--output", "json").stdout)["Account"] == "123456789012"


def test_two_writers_lose_no_update(wire: Wire, database: str) -> None:
    """Read, change, write with VersionId, again after a ConcurrentModificationException: every increment counts."""
    wire.client().create_table(DatabaseName=database, TableInput={"Name": "counter", "Parameters": {"n": "0"}})

    def write(_: int) -> None:
        glue = wire.client()
        for _ in range(INCREMENTS):
            while True:
                table = glue.get_table(DatabaseName=database, Name="counter")["Table"]
                number = str(int(table["Parameters"]["n"]) + 1)
                changed = {"Name": "counter", "Parameters": {"n": number}}
                try:
                    glue.update_table(DatabaseName=database, TableInput=changed, VersionId=table["VersionId"])
                    break
                except glue.exceptions.ConcurrentModificationException:
                    continue

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    table = wire.client().get_table(DatabaseName=database, Name="counter")["Table"]
    assert (table["Parameters"]["n"], table["VersionId"]) == (str(WRITERS * INCREMENTS), str(WRITERS * INCREMENTS))


def test_concurrent_creators_make_one(wire: Wire, database: str) -> None:
    def create(_: int) -> str:
        glue = wire.client()
        try:
            glue.create_table(DatabaseName=database, TableInput={"Name": "only"})
        except glue.exceptions.AlreadyExistsException:
            return "exists"
        return "created"

    with ThreadPoolExecutor(WRITERS) as pool:
        assert sorted(pool.map(create, range(WRITERS))) == ["created"] + ["exists"] * (WRITERS - 1)

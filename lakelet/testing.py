"""A pytest plugin for people who test what talks to AWS: an empty Lakelet for each test, really executing.

Installed with Lakelet (entry point ``pytest11``), it adds the fixtures ``lakelet`` and ``lakelet_stack``, and the ini
setting ``lakelet_components``. See docs/testing.md.

It lives in other people's processes, where ``data`` or ``jobs`` may be theirs: so it imports nothing of ours and calls
the command line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# What a developer's own shell may say of another account, and of another project.
FOREIGN = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE")
ELSEWHERE = ("LAKELET_STATE", "LAKELET_PROJECT")


class CommandError(AssertionError):
    """A ``lakelet`` command that a test ran has failed; the message holds what it said."""


@dataclass(frozen=True)
class Lakelet:
    """A running, ephemeral stack. ``environment`` points AWS SDKs, the AWS CLI and ``lakelet`` at it."""

    environment: Mapping[str, str]

    @property
    def endpoint_url(self) -> str:
        """The address of every AWS service, S3 included."""
        return self.environment["AWS_ENDPOINT_URL"]

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of a service, whatever the environment says."""
        import boto3

        keys = self.environment
        session = boto3.Session(
            keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=keys["AWS_REGION"]
        )
        return session.client(service, endpoint_url=self.endpoint_url, **options)

    def run(self, *words: str) -> Any:
        """What ``lakelet WORDS --output json`` answers. Raises :class:`CommandError` when it fails."""
        return json.loads(_command([*words, "--output", "json"], {**os.environ, **self.environment}))

    def check_job(self, name: str) -> Any:
        """Run a job's fixtures (``lakelet jobs test NAME``), each in the emptied stack; returns what each took.

        Raises :class:`CommandError`, with the rows that differ, when one fails.
        """
        return self.run("jobs", "test", name)

    def reset(self) -> int:
        """Empty it: tables, jobs, runs, keys, policies and objects; returns how many objects, when they are gone."""
        token = Path(self.environment["LAKELET_STATE"], "secrets", "control_token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.endpoint_url}/_lakelet/reset", b"{}", headers)  # noqa: S310 - ours
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on the loopback address
        with direct.open(request) as answer:
            return int(json.load(answer)["objects"])


def _command(words: list[str], environment: Mapping[str, str], folder: Path | None = None) -> str:
    # -I: nothing of the folder that tests run in, or of PYTHONPATH, stands in for one of our packages.
    argv = [sys.executable, "-I", "-m", "lakelet", *words]
    done = subprocess.run(argv, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(f"`lakelet {' '.join(words)}` ended with {done.returncode}:\n{done.stderr}{done.stdout}")
    return done.stdout


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare ``lakelet_components``."""
    parser.addini("lakelet_components", "components of Lakelet's stack that tests need", "args", ["minio", "control"])


@pytest.fixture(scope="session")
def lakelet_stack(pytestconfig: pytest.Config) -> Iterator[Lakelet]:
    """An ephemeral stack for the whole test run, on free ports; what is missing of it is installed first.

    When pytest's root folder is a Lakelet project, its jobs, definitions and settings are those of the stack.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    only = [word for name in pytestconfig.getini("lakelet_components") for word in ("--only", name)]
    lease = ["--lease", str(os.getpid())]  # so that it ends with us, even when we are killed
    answer = _command(["up", "--ephemeral", *lease, *only, "--output", "json"], environment, pytestconfig.rootpath)
    stack = Lakelet(json.loads(answer))
    try:
        yield stack
    finally:
        _command(["down"], {**environment, **stack.environment})


@pytest.fixture
def lakelet(lakelet_stack: Lakelet, monkeypatch: pytest.MonkeyPatch) -> Lakelet:
    """The stack, emptied for this test; the environment points every AWS client at it."""
    lakelet_stack.reset()
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    for name, value in lakelet_stack.environment.items():
        monkeypatch.setenv(name, value)
    return lakelet_stack

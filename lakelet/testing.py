"""A pytest plugin for people who test what talks to AWS: an empty Lakelet for each test, really executing.

Installed with Lakelet (entry point ``pytest11``), it adds the fixtures ``lakelet`` and ``lakelet_stack``, and the ini
setting ``lakelet_components``. See docs/testing.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from workspace.paths import Workspace

# What a developer's own shell may say of another account.
FOREIGN = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE")


@dataclass(frozen=True)
class Lakelet:
    """A running, ephemeral stack."""

    workspace: Workspace

    @property
    def endpoint_url(self) -> str:
        """The address of every AWS service, S3 included."""
        return self.workspace.endpoint("control")

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point AWS SDKs and the AWS CLI here."""
        from workspace.environment import client_environment

        return {**self.workspace.environment, **client_environment(self.workspace)}

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of a service, whatever the environment says."""
        import boto3

        keys = self.environment
        session = boto3.Session(
            keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=keys["AWS_REGION"]
        )
        return session.client(service, endpoint_url=self.endpoint_url, **options)

    def reset(self) -> None:
        """Empty it: tables, jobs, runs, keys, policies and objects; returns when they are gone."""
        from workspace.control import call

        call(self.workspace, "POST", "reset")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare ``lakelet_components``."""
    parser.addini("lakelet_components", "components of Lakelet's stack that tests need", "args", ["minio", "control"])


@pytest.fixture(scope="session")
def lakelet_stack(pytestconfig: pytest.Config) -> Iterator[Lakelet]:
    """An ephemeral stack for the whole test run, on free ports; what is missing of it is installed first."""
    from lakelet.stack import operate
    from lakelet.stack.ephemeral import new_workspace
    from lakelet.stack.install import install

    workspace = new_workspace()
    try:
        install(workspace)
        operate.start(workspace, pytestconfig.getini("lakelet_components"))
        yield Lakelet(workspace)
    finally:
        operate.stop(workspace)


@pytest.fixture
def lakelet(lakelet_stack: Lakelet, monkeypatch: pytest.MonkeyPatch) -> Lakelet:
    """The stack, emptied for this test; the environment points every AWS client at it."""
    lakelet_stack.reset()
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    for name, value in lakelet_stack.environment.items():
        monkeypatch.setenv(name, value)
    if any(os.environ.get(name) for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy")):
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, f"{os.environ.get(name, '')},127.0.0.1,localhost".lstrip(","))
    return lakelet_stack

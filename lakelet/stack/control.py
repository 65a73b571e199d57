"""The control process: the AWS wire, the run queue, log shipping (``lakelet/control.py``)."""

from __future__ import annotations

import sys

from lakelet.stack import minio
from lakelet.stack.component import Component, Plan, base_environment, expect
from lakelet.workspace.environment import client_environment

NAME = "control"


def component(plan: Plan) -> Component:
    """The control process, once the object store is there."""
    workspace = plan.workspace
    return Component(
        NAME,
        plan.address("control_port"),
        [sys.executable, "-m", "lakelet.control"],
        lambda: probe(plan),
        base_environment(workspace, NAME) | client_environment(workspace) | {"PYTHONUNBUFFERED": "1"},
        (minio.NAME,),
    )


def probe(plan: Plan) -> None:
    """It says that it is well, which it does once its database is open and its threads run."""
    expect("GET", plan.address("control_port") + "/_lakelet/health")

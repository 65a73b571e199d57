"""The dashboards: Streamlit on ``dashboards/app.py``."""

from __future__ import annotations

import sys

from lakelet.stack.component import Component, NotReadyError, Plan, base_environment, expect
from lakelet.workspace.addresses import bearer
from lakelet.workspace.environment import client_environment
from lakelet.workspace.paths import REPOSITORY

NAME = "dashboards"


def component(plan: Plan) -> Component:
    """Streamlit, headless; it starts beside the others and shows what is there."""
    workspace = plan.workspace
    options = {
        "server.address": "127.0.0.1",
        "server.port": str(plan.ports["dashboards_port"]),
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": "127.0.0.1",
    }
    return Component(
        NAME,
        plan.address("dashboards_port"),
        [
            *(sys.executable, "-m", "streamlit", "run", str(REPOSITORY / "dashboards" / "app.py")),
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ],
        lambda: probe(plan),
        base_environment(workspace, NAME) | client_environment(workspace) | {"PYTHONUNBUFFERED": "1"},
    )


def probe(plan: Plan) -> None:
    """Its health is well and it serves its page."""
    url = plan.address("dashboards_port")
    expect("GET", f"{url}/_stcore/health")
    if "<html" not in str(expect("GET", f"{url}/", headers=bearer(plan.workspace))):
        raise NotReadyError("it serves no page")

"""The stack as a table: which components there are, in the order in which they start."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lakelet.stack import control, dashboards, minio, opensearch, spark_history, spark_master, spark_worker
from lakelet.stack.component import Component, Plan
from workspace.addresses import without_credentials
from workspace.errors import UsageError
from workspace.paths import Workspace


def components(plan: Plan, only: Collection[str] = ()) -> list[Component]:
    """Every component of this workspace's stack, or those named (with ``spark-worker`` for all workers).

    OpenSearch is the slowest to start, so it is first. Raises :class:`~workspace.errors.UsageError` for a name that is
    no component.
    """
    found = [opensearch.component(plan), minio.component(plan)]
    if not plan.workspace.settings.text("spark_master"):
        found += [spark_master.component(plan), *spark_worker.components(plan)]
    found += [control.component(plan), dashboards.component(plan), spark_history.component(plan)]
    names = [component.name for component in found]
    if unknown := sorted(set(only) - set(names)):
        raise UsageError(f"{', '.join(unknown)} is no component of the stack: there are {', '.join(names)}.")
    return [component for component in found if not only or component.name in only]


def endpoints(workspace: Workspace, ports: Mapping[str, int]) -> dict[str, str]:
    """The addresses that clients read from ``endpoints.json``, by name."""
    plan, settings = Plan(workspace, ports), workspace.settings
    own = settings.text("spark_master")
    return {
        "control": plan.address("control_port"),
        "metastore": plan.address("metastore_port", "thrift"),
        "s3": settings.text("s3_endpoint") or plan.address("minio_port"),
        "s3_console": plan.address("minio_console_port"),
        "opensearch": without_credentials(settings.text("opensearch_endpoint")) or plan.address("opensearch_port"),
        "dashboards": plan.address("dashboards_port"),
        "spark_master": own or plan.address("spark_master_port", "spark"),
        "spark_master_ui": plan.address("spark_master_ui_port"),
        "spark_history": plan.address("spark_history_port"),
    }

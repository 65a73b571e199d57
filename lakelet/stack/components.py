"""The stack as a table: which components there are, in the order in which they start."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lakelet.stack import control, dashboards, minio, opensearch, spark_history, spark_master, spark_worker
from lakelet.stack.component import Component, Plan
from lakelet.stack.ports import WORKER_UI
from lakelet.workspace.addresses import without_credentials
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import Workspace

WORKER = "spark-worker-"  # with its number: the name of a worker

# The component that listens on a port. A port that is not listed here is chosen whatever runs.
LISTENERS: Mapping[str, str] = {
    "opensearch_port": opensearch.NAME,
    "opensearch_transport_port": opensearch.NAME,
    "minio_port": minio.NAME,
    "minio_console_port": minio.NAME,
    "spark_master_port": spark_master.NAME,
    "spark_master_ui_port": spark_master.NAME,
    "control_port": control.NAME,
    "metastore_port": control.NAME,
    "dashboards_port": dashboards.NAME,
    "spark_history_port": spark_history.NAME,
}


def component_names(workspace: Workspace, only: Collection[str] = ()) -> list[str]:
    """The names of every component of this workspace's stack, or of those in ``only``.

    Raises :class:`~lakelet.workspace.errors.UsageError` for a name that is no component.
    """
    settings = workspace.settings
    spark = [spark_master.NAME, *(f"{WORKER}{n + 1}" for n in range(settings.number("workers")))]
    names = [
        opensearch.NAME,
        minio.NAME,
        *([] if settings.text("spark_master") else spark),
        control.NAME,
        dashboards.NAME,
        spark_history.NAME,
    ]
    if unknown := sorted(set(only) - set(names)):
        raise UsageError(f"{', '.join(unknown)} is no component of the stack: there are {', '.join(names)}.")
    return [name for name in names if not only or name in only]


def unused_ports(workspace: Workspace, only: Collection[str] = ()) -> set[str]:
    """The ports, by their settings' names, that no component of ``only`` listens on."""
    names = component_names(workspace, only)
    workers = {f"{WORKER_UI}_{n + 1}": f"{WORKER}{n + 1}" for n in range(workspace.settings.number("workers"))}
    return {port for port, name in {**LISTENERS, **workers}.items() if name not in names}


def components(plan: Plan, only: Collection[str] = ()) -> list[Component]:
    """Every component of this workspace's stack, or those named (with ``spark-worker`` for all workers).

    OpenSearch is the slowest to start, so it is first. Raises :class:`~lakelet.workspace.errors.UsageError` for a name
    that is no component.
    """
    found = [opensearch.component(plan), minio.component(plan)]
    if not plan.workspace.settings.text("spark_master"):
        found += [spark_master.component(plan), *spark_worker.components(plan)]
    found += [control.component(plan), dashboards.component(plan), spark_history.component(plan)]
    names = component_names(plan.workspace, only)
    return [component for component in found if component.name in names]


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

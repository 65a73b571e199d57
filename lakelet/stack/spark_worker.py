"""The Spark workers: each offers its cores and memory to executors, which inherit its S3 keys."""

from __future__ import annotations

from typing import Any, cast

from lakelet.jobs.spark import java_argv, spark_environment
from lakelet.stack import spark_master
from lakelet.stack.component import Component, NotReadyError, Plan, base_environment
from lakelet.workspace.secrets import secret

HEAP_MB = 160
CLASS = "org.apache.spark.deploy.worker.Worker"


def components(plan: Plan) -> list[Component]:
    """One component for each of the ``workers``."""
    return [_worker(plan, number) for number in range(1, plan.workspace.settings.number("workers") + 1)]


def _worker(plan: Plan, number: int) -> Component:
    workspace, name = plan.workspace, f"spark-worker-{number}"
    settings = workspace.settings
    port = f"spark_worker_ui_port_{number}"
    work = workspace.spark / "work" / name
    options = {
        "--host": "127.0.0.1",
        "--cores": settings.text("worker_cores"),
        "--memory": f"{settings.number('worker_memory_mb')}m",
        "--work-dir": str(work),
        "--webui-port": str(plan.ports[port]),
        "--properties-file": str(workspace.spark / "conf" / "spark-defaults.conf"),
    }
    environment = spark_environment(workspace) | {
        "AWS_ACCESS_KEY_ID": secret(workspace, "access_key"),
        "AWS_SECRET_ACCESS_KEY": secret(workspace, "secret_key"),
        "AWS_REGION": settings.text("region"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return Component(
        name,
        plan.address(port),
        [
            *java_argv(workspace, CLASS, heap_mb=HEAP_MB),
            *(word for option in options.items() for word in option),
            plan.address("spark_master_port", "spark"),
        ],
        lambda: probe(plan, plan.ports[port]),
        base_environment(workspace, name) | environment,
        (spark_master.NAME,),
    )


def probe(plan: Plan, ui_port: int) -> None:
    """The master lists this worker as alive."""
    workers = cast(list[dict[str, Any]], spark_master.status(plan)["workers"])
    if not any(w["state"] == "ALIVE" and str(w["webuiaddress"]).endswith(f":{ui_port}") for w in workers):
        raise NotReadyError("the master does not list it as alive")

"""The Spark master of a standalone cluster."""

from __future__ import annotations

from lakelet.jobs.spark import java_argv, spark_environment
from lakelet.stack.component import Component, Plan, base_environment, expect

NAME = "spark-master"
HEAP_MB = 192
CLASS = "org.apache.spark.deploy.master.Master"


def component(plan: Plan) -> Component:
    """The master; a driver must know ``spark.authenticate.secret`` to talk to it."""
    workspace = plan.workspace
    conf = workspace.spark / "conf" / "spark-defaults.conf"
    ports = ["--port", str(plan.ports["spark_master_port"]), "--webui-port", str(plan.ports["spark_master_ui_port"])]
    return Component(
        NAME,
        plan.address("spark_master_ui_port"),
        [
            *java_argv(workspace, CLASS, heap_mb=HEAP_MB),
            *("--host", "127.0.0.1", *ports, "--properties-file", str(conf)),
        ],
        lambda: probe(plan),
        base_environment(workspace, NAME) | spark_environment(workspace),
    )


def probe(plan: Plan) -> None:
    """The master answers with its state; that workers can register is the workers' probe."""
    status(plan)


def status(plan: Plan) -> dict[str, object]:
    """The master's own account of the cluster: workers, cores, applications."""
    answer: dict[str, object] = expect("GET", plan.address("spark_master_ui_port") + "/json/")
    return answer

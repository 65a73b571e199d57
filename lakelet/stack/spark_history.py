"""The Spark history server: the UI of applications that have ended."""

from __future__ import annotations

from lakelet.jobs.spark import java_argv, spark_environment
from lakelet.stack.component import Component, Plan, base_environment, expect

NAME = "spark-history"
HEAP_MB = 320
CLASS = "org.apache.spark.deploy.history.HistoryServer"


def component(plan: Plan) -> Component:
    """The history server over ``.lakelet/spark/events``."""
    workspace = plan.workspace
    flags = [f"-Dspark.history.ui.port={plan.ports['spark_history_port']}"]
    conf = workspace.spark / "conf" / "spark-defaults.conf"
    return Component(
        NAME,
        plan.address("spark_history_port"),
        [*java_argv(workspace, CLASS, heap_mb=HEAP_MB, flags=flags), "--properties-file", str(conf)],
        lambda: probe(plan),
        base_environment(workspace, NAME) | spark_environment(workspace),
    )


def probe(plan: Plan) -> None:
    """Its API lists applications."""
    expect("GET", plan.address("spark_history_port") + "/api/v1/applications?limit=1")

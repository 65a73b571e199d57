"""Services of AWS's that Lakelet does not serve: their names, their protocols, and the way here to what they do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from botocore.loaders import Loader

from lakelet.workspace.errors import NotImplementedException, StackError
from lakelet.workspace.paths import Workspace

# botocore's names of the services whose requests are signed under another name.
_NAMES = {
    "airflow": "mwaa", "aoss": "opensearchserverless", "aps": "amp", "cassandra": "keyspaces",
    "elasticfilesystem": "efs", "elasticloadbalancing": "elbv2", "elasticmapreduce": "emr", "email": "ses",
    "execute-api": "apigateway", "monitoring": "cloudwatch", "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi", "timestream": "timestream-query",
}  # fmt: skip
_CALLED = {"stepfunctions": "Step Functions", "es": "OpenSearch Service", "opensearch": "OpenSearch Service"}
# What to use here; {opensearch} and {dashboards} are where those are, while the stack knows.
_WAYS = {
    "athena": "use `lakelet sql`",
    "logs": "use `lakelet search`, or `lakelet jobs logs` for one run",
    "emr": "use `lakelet jobs submit`",
    "emr-containers": "use `lakelet jobs submit`",
    "emr-serverless": "use `lakelet jobs submit`",
    "es": "talk to OpenSearch itself{opensearch}",
    "opensearch": "talk to OpenSearch itself{opensearch}",
    "opensearchserverless": "talk to OpenSearch itself{opensearch}",
    "quicksight": "open the boards{dashboards}",
}


@dataclass(frozen=True)
class Unserved:
    """A service of botocore's: ``name`` is its name there, ``title`` what people call it."""

    name: str
    title: str
    protocol: str

    def refusal(self, workspace: Workspace) -> NotImplementedException:
        """The error that says so, and what to use instead."""
        if (way := _WAYS.get(self.name)) is None:
            return NotImplementedException(f"Lakelet does not serve {self.title}.")
        addresses = {component: _address(workspace, component) for component in ("opensearch", "dashboards")}
        return NotImplementedException(f"Lakelet does not serve {self.title} yet; {way.format(**addresses)}.")


@cache
def find_unserved(signing_name: str) -> Unserved | None:
    """The service whose requests are signed under a name; None when botocore knows none."""
    loader = Loader()  # a loader keeps what it has read, of EC2 a hundred megabytes
    name = _NAMES.get(signing_name, signing_name)
    if name not in loader.list_available_services("service-2"):
        return None
    metadata = loader.load_service_model(name, "service-2")["metadata"]
    return Unserved(name, _CALLED.get(name, metadata["serviceId"]), metadata["protocol"])


def _address(workspace: Workspace, component: str) -> str:
    try:
        return f" at {workspace.endpoint(component)}"
    except StackError:
        return ""

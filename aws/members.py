"""What becomes of each input member: it acts, it is kept without effect, or it is refused (docs/adr/0038).

A member that an operation's function takes acts, unless a row says KEPT; one that it does not take needs a row that
says REFUSED. Rows name a service, an operation (``*``: all that have the member), and a member, by a path below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from botocore.model import Shape

from aws.operations import Operation, Service
from jobs import definitions


class Effect(Enum):
    """What a member does."""

    ACTS = "acts"
    KEPT = "kept"
    REFUSED = "refused"


@dataclass(frozen=True)
class Row:
    """A member that does not simply act, and why."""

    service: str
    operation: str
    path: str
    effect: Effect
    reason: str

    def of(self, operation: Operation) -> bool:
        """Whether the row is about a member of this operation."""
        served = operation.model.service_model.service_name, operation.model.name
        return (
            self.service == served[0]
            and self.operation in ("*", served[1])
            and _has(operation.model.input_shape, self.path.split("."))
        )


def _has(shape: Shape | None, path: list[str]) -> bool:
    for name in path:
        shape = getattr(shape, "members", {}).get(name)
        if shape is None:
            return False
    return shape is not None


def _rows() -> Iterator[Row]:
    for member, reason in definitions.KEPT.items():
        yield Row("glue", "CreateJob", member, Effect.KEPT, reason)
        yield Row("glue", "UpdateJob", f"JobUpdate.{member}", Effect.KEPT, reason)
    for member in ("AllocatedCapacity", "ExecutionClass", "JobRunQueuingEnabled", "NotificationProperty",
                   "SecurityConfiguration", "WorkerType"):  # fmt: skip
        yield Row("glue", "StartJobRun", member, Effect.KEPT, definitions.KEPT[member])
    ray = "Lakelet has no Ray"
    yield Row("glue", "CreateJob", "Command.Runtime", Effect.REFUSED, ray)
    yield Row("glue", "UpdateJob", "JobUpdate.Command.Runtime", Effect.REFUSED, ray)
    python = "the Python of this installation runs"
    yield Row("glue", "CreateJob", "Command.PythonVersion", Effect.KEPT, python)
    yield Row("glue", "UpdateJob", "JobUpdate.Command.PythonVersion", Effect.KEPT, python)
    for service, operation, member, reason in _REFUSED:
        yield Row(service, operation, member, Effect.REFUSED, reason)


_KEYS = "Lakelet decrypts no assertions"
_CENTER = "Lakelet has no IAM Identity Center"
_CONSOLE = "Lakelet has no console to sign in to"
_SIMULATED = "Lakelet simulates with the policies of the account alone"
_REFUSED = (
    ("glue", "StartJobRun", "ExecutionRoleSessionPolicy", "Lakelet's runs have the workspace's own keys, not narrower"),
    ("glue", "StartJobRun", "JobRunId", "Lakelet links no run to one before it; give that run's Arguments"),
    ("glue", "ListJobs", "Tags", "Lakelet lists jobs without a filter by tags"),
    ("iam", "*", "AddPrivateKey", _KEYS),
    ("iam", "*", "RemovePrivateKey", _KEYS),
    ("iam", "*", "AssertionEncryptionMode", _KEYS),
    ("iam", "*", "ContextProvider", _CENTER),
    ("iam", "*", "RemoveContextProvider", _CENTER),
    ("iam", "*", "IdentityCenterInstanceArn", _CENTER),
    ("iam", "*", "RemoveIdentityCenterInstance", _CENTER),
    ("iam", "*", "MaxSigninSessionDuration", _CONSOLE),
    ("iam", "*", "ResetMaxSigninSessionDuration", _CONSOLE),
    ("iam", "*", "CallerArn", _SIMULATED),
    ("iam", "*", "OrderedOrganizationPolicyInputList", "Lakelet has no organizations"),
    ("iam", "*", "PolicyExclusionList", _SIMULATED),
    ("iam", "*", "ResourceHandlingOption", "Lakelet has no EC2"),
    ("iam", "*", "ResourceOwner", _SIMULATED),
    ("iam", "*", "ResourcePolicy", _SIMULATED),
    ("lakeformation", "*", "Condition", "Lakelet's grants have no conditions"),
    ("lakeformation", "*", "ExpectedResourceOwnerAccount", "Lakelet has one account"),
)
ROWS = tuple(_rows())


def effect(operation: Operation, member: str) -> Effect | None:
    """What a member of an operation's input does; None when no class has it."""
    row = next((row for row in ROWS if row.path == member and row.of(operation)), None)
    if member in operation.arguments:
        return row.effect if row else Effect.ACTS
    return row.effect if row and row.effect is Effect.REFUSED else None


def unclassified(services: Iterable[Service]) -> list[str]:
    """Members that are in no class, and rows that contradict the signatures or name nothing."""
    operations = [operation for service in services for operation in service.operations.values()]
    missing = [
        f"{operation.model.name}.{member}"
        for operation in operations
        for member in getattr(operation.model.input_shape, "members", ())
        if effect(operation, member) is None
    ]
    idle = [f"{row.operation}.{row.path}" for row in ROWS if not any(row.of(operation) for operation in operations)]
    taken = [
        f"{operation.model.name}.{row.path}"
        for operation in operations
        for row in ROWS
        if row.effect is Effect.REFUSED and row.path in operation.arguments and row.of(operation)
    ]
    return missing + idle + taken

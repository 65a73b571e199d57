"""AWS STS: who signs the requests."""

from __future__ import annotations

from typing import Any

from aws.context import current
from identity.keys import account_arn


def get_caller_identity() -> dict[str, Any]:
    """The account, its ARN and its user id: every request is signed by the account's root user."""
    context = current()
    return {"UserId": context.account_id, "Account": context.account_id, "Arn": account_arn(context.workspace)}

"""Why a request was refused, sealed: for DecodeAuthorizationMessage to open, and for nobody else.

Source: AWS STS API Reference, DecodeAuthorizationMessage, whose document's form this is. Sealed with the ``messages``
secret of the workspace.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from lakelet.identity.conditions import Context
from lakelet.identity.errors import InvalidAuthorizationMessageException
from lakelet.identity.evaluator import Decision
from lakelet.identity.principals import Principal
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret

LIFETIME_SECONDS = 86_400
MAX_VALUES = 100  # characters of a condition key's value that a message tells


def details(principal: Principal, action: str, resource: str, decision: Decision, context: Context) -> dict[str, Any]:
    """What a message tells: the verdict, the statements behind it, who asked for what, and the condition keys."""
    matched = [
        {"statementId": one.statement.sid, "effect": "ALLOW" if one.statement.allows else "DENY",
         "policy": one.source.id, "layer": one.layer}
        for one in decision.matched
    ]  # fmt: skip
    conditions = [
        {"key": key, "values": {"items": [{"value": value[:MAX_VALUES]} for value in values]}}
        for key, values in sorted(context.items())
    ]
    return {
        "allowed": False,
        "explicitDeny": decision.verdict == "explicitDeny",
        "matchedStatements": {"items": matched},
        "failures": {"items": [{"layer": decision.layer}] if decision.layer else []},
        "context": {
            "principal": {"id": principal.user_id, "name": principal.name, "arn": principal.arn},
            "action": action,
            "resource": resource,
            "conditions": {"items": conditions},
        },
    }


def encode(workspace: Workspace, told: Mapping[str, Any]) -> str:
    """The sealed message."""
    return _box(workspace).encrypt(zlib.compress(json.dumps(told).encode())).decode()


def decode(workspace: Workspace, message: str) -> str:
    """What a sealed message tells, as JSON; InvalidAuthorizationMessageException, also when it is a day old."""
    try:
        return zlib.decompress(_box(workspace).decrypt(message.encode(), ttl=LIFETIME_SECONDS)).decode()
    except (InvalidToken, UnicodeError, zlib.error):
        raise InvalidAuthorizationMessageException(
            "The message is none of this account's, or it is older than a day."
        ) from None


def _box(workspace: Workspace) -> Fernet:
    key = hashlib.sha256(secret(workspace, "messages").encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))

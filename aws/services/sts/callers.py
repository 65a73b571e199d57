"""Who signs, whose a key is, and why a request was refused (AWS STS API Reference)."""

from __future__ import annotations

from typing import Any

from lakelet.aws.context import caller, current
from lakelet.identity import messages
from lakelet.workspace.errors import ValidationException


def get_caller_identity() -> dict[str, Any]:
    """The account, and the ARN and id of the principal that signs. Nobody needs a permission for it."""
    signer = caller()
    return {"UserId": signer.user_id, "Account": signer.account, "Arn": signer.arn}


def get_access_key_info(access_key_id: str) -> dict[str, Any]:
    """The account that an access key belongs to; only this one's are known."""
    context = current()
    if context.credential(access_key_id) is None:
        raise ValidationException(f"{access_key_id} is no access key of this account.")
    return {"Account": context.account_id}


def decode_authorization_message(encoded_message: str) -> dict[str, Any]:
    """What the message that a refusal came with tells; InvalidAuthorizationMessageException."""
    return {"DecodedMessage": messages.decode(current().workspace, encoded_message)}

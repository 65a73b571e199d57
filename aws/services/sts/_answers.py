"""What STS's operations share: credentials as answers, session policies, session tags, proofs by MFA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from lakelet.aws.context import Context
from lakelet.identity import store
from lakelet.identity.errors import InvalidInput, MalformedPolicyDocument, NoSuchEntity, PackedPolicyTooLarge
from lakelet.identity.mfa import store as mfa
from lakelet.identity.object_store import MAX_TOKEN
from lakelet.identity.principals import Credential, Principal
from lakelet.workspace.errors import AccessDeniedException, ValidationException
from lakelet.workspace.state import writing

MAX_POLICY = 2048  # characters of all session policies together
MAX_POLICY_ARNS = 10
MAX_TAGS = 50


def opened(context: Context, principal: Principal, seconds: int, token_size: int) -> tuple[Credential, dict[str, Any]]:
    """Credentials for a principal, and what every answer with such has; raises what ``open_session`` raises."""
    credential, token = context.identity.open_session(principal, seconds, token_size)
    return credential, {
        "Credentials": {
            "AccessKeyId": credential.access_key_id,
            "SecretAccessKey": credential.secret,
            "SessionToken": token,
            "Expiration": credential.expires_at,
        },
        "SessionTokenSize": len(token),
        "SessionTokenUtilization": min(100, -(-100 * len(token) // MAX_TOKEN)),
    }


def packed(policies: Sequence[str] | None) -> int | None:
    """How much of what session policies may take they take, in percent."""
    if policies is None:
        return None
    return max(1, min(100, round(100 * sum(len(one) for one in policies) / MAX_POLICY)))


def session_policies(
    context: Context, connection: sa.Connection, policy: str | None, policy_arns: list[dict[str, str]] | None
) -> tuple[str, ...] | None:
    """The policies that narrow a session, None when there are none; MalformedPolicyDocument, PackedPolicyTooLarge."""
    arns = [one["arn"] for one in policy_arns or () if "arn" in one]
    if len(arns) > MAX_POLICY_ARNS:
        raise PackedPolicyTooLarge(f"A session takes {MAX_POLICY_ARNS} managed policies at most.")
    if policy is not None and len(policy) > MAX_POLICY:
        raise PackedPolicyTooLarge(f"A session policy has {MAX_POLICY} characters at most.")
    try:
        context.identity.check_document(connection, policy, arns)
    except NoSuchEntity as error:
        raise MalformedPolicyDocument(f"A session policy cannot be found: {error}") from error
    if policy is None and not arns:
        return None
    return (*([policy] if policy is not None else []), *arns)


def session_tags(tags: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Session tags, held to be few and each there once; InvalidInput, ValidationException."""
    keys = [key.lower() for key, _ in tags]
    if len(keys) != len(set(keys)):
        raise InvalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if len(tags) > MAX_TAGS or any(len(key) > 128 or len(value) > 256 for key, value in tags):
        raise ValidationException(f"A session has {MAX_TAGS} tags at most, of 128 and 256 characters.")
    return tuple(tags)


def tag_keys(tags: Sequence[tuple[str, str]], transitive: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
    """The condition keys of a request that sets session tags."""
    if not tags:
        return {}
    found: dict[str, tuple[str, ...]] = {f"aws:requesttag/{key.lower()}": (value,) for key, value in tags}
    found["aws:tagkeys"] = tuple(key for key, _ in tags)
    if transitive:
        found["sts:transitivetagkeys"] = tuple(transitive)
    return found


def proven(context: Context, signer: Principal, serial_number: str | None, token_code: str | None) -> bool:
    """Whether a request is proven by an MFA device of the user that signs, False when it names none.

    Raises AccessDeniedException for a code that is not the device's now, ValidationException for half a proof.
    """
    if serial_number is None and token_code is None:
        return False
    if serial_number is None or token_code is None:
        raise ValidationException("SerialNumber and TokenCode belong together: send both, or neither.")
    with writing(context.engine) as connection:
        device = mfa.find(connection, serial_number)
        own = device is not None and signer.kind == "user" and device.user_id == signer.entity_id
        good = own and not signer.session and device is not None
        if not (good and device and mfa.proves(connection, device, token_code, context.identity.clock())):
            raise AccessDeniedException("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
    return True


def role_used(context: Context, role: store.Entity, at: float | None) -> None:
    """Remember that a session of a role began."""
    with writing(context.engine) as connection:
        if (kept := store.by_id(connection, role.id)) is not None:
            store.change(connection, kept, last_used=at)

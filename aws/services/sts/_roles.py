"""Sessions of roles, however one comes to them: by a key of this account or by an identity provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from lakelet.aws.context import Context
from lakelet.aws.services.sts._answers import opened, packed, role_used, session_policies, session_tags, tag_keys
from lakelet.identity import store
from lakelet.identity.documents import Policy, parse
from lakelet.identity.evaluator import trusts_provider
from lakelet.identity.principals import Principal
from lakelet.workspace.errors import AccessDeniedException, ValidationException

ROLE_SECONDS = 3600


@dataclass(frozen=True)
class Wanted:
    """What a request asks of a role: under which name, for how long, with which policies, tags and source identity."""

    role_arn: str
    session_name: str
    seconds: int
    token_size: int = 0
    policy: str | None = None
    policy_arns: list[dict[str, str]] | None = None
    tags: tuple[tuple[str, str], ...] = ()
    transitive: tuple[str, ...] = ()
    source_identity: str | None = None

    def keys(self) -> dict[str, tuple[str, ...]]:
        """Its condition keys."""
        found = {"sts:rolesessionname": (self.session_name,), **tag_keys(self.tags, self.transitive)}
        if self.source_identity is not None:
            found["sts:sourceidentity"] = (self.source_identity,)
        return found

    def actions(self, action: str) -> list[str]:
        """The actions that it takes: the one it is, and those that setting tags and a source identity are."""
        more = [("sts:TagSession", bool(self.tags)), ("sts:SetSourceIdentity", self.source_identity is not None)]
        return [action, *(name for name, wanted in more if wanted)]


def find_role(context: Context, connection: sa.Connection, role_arn: str) -> store.Entity | None:
    """The role with that ARN; None when there is none."""
    name = role_arn.rpartition("/")[2]
    role = store.find(connection, "role", name) if name else None
    return role if role is not None and role.arn(context.account_id) == role_arn else None


def trust_of(role: store.Entity) -> Policy:
    """A role's trust policy."""
    return parse(role.body["trust"], "trust")


def provided(
    context: Context, connection: sa.Connection, wanted: Wanted, action: str, provider: str, keys: dict[str, Any]
) -> store.Entity:
    """The role, when its trust policy lets in whom the provider (its ARN) vouches for; AccessDeniedException else."""
    role = find_role(context, connection, wanted.role_arn)
    known = {**keys, **wanted.keys(), "aws:federatedprovider": (provider,)}
    for one in wanted.actions(action):
        if role is None or not trusts_provider(trust_of(role), one, provider, known):
            raise AccessDeniedException(f"Not authorized to perform {one}")
    if role is None:
        raise AccessDeniedException(f"Not authorized to perform {action}")
    return role


def begin(context: Context, connection: sa.Connection, role: store.Entity, wanted: Wanted, **of: Any) -> Principal:
    """The principal of a session of a role, as it is wanted; ``of`` are members of the principal's own.

    Raises ValidationException (duration, tags), MalformedPolicyDocument, PackedPolicyTooLarge.
    """
    if wanted.seconds > role.body["max_session"]:
        raise ValidationException("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    if wanted.source_identity is not None and wanted.source_identity.lower().startswith("aws:"):
        raise ValidationException("A SourceIdentity cannot begin with aws:.")
    tags = session_tags(wanted.tags)
    keys = {key.lower() for key, _ in tags}
    if strangers := [key for key in wanted.transitive if key.lower() not in keys]:
        raise ValidationException(f"The transitive tag key {strangers[0][:128]!r} is none of the session's tags.")
    return replace(
        context.identity.role_session(role, wanted.session_name),
        session_policies=session_policies(context, connection, wanted.policy, wanted.policy_arns),
        tags=tags,
        transitive=tuple(key.lower() for key in wanted.transitive),
        source_identity=wanted.source_identity,
        **of,
    )


def answer(context: Context, role: store.Entity, principal: Principal, wanted: Wanted) -> dict[str, Any]:
    """The credentials of a session of a role, as each of the operations that begin one answers them."""
    credential, found = opened(context, principal, wanted.seconds, wanted.token_size)
    role_used(context, role, credential.principal.issued_at)
    return {
        **found,
        "AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn},
        "PackedPolicySize": packed(principal.session_policies),
        "SourceIdentity": principal.source_identity,
    }


def inherited(signer: Principal, tags: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The transitive tags of a session, which the next one of the chain has too; ValidationException for those anew."""
    passed = tuple((key, value) for key, value in signer.tags if key.lower() in signer.transitive)
    taken = {key.lower() for key, _ in passed}
    if again := [key for key, _ in tags if key.lower() in taken]:
        raise ValidationException(f"The session tag {again[0]!r} is transitive: a session of the chain has it already.")
    return passed

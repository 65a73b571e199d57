"""Who signs a request, and the credential behind an access key id.

The interface between the wire and this room. ``lakelet.aws.auth.Verifier`` asks
:meth:`lakelet.identity.service.Identity.credential` for the :class:`Credential` of the access key id that a request
names, checks the signature with its ``secret``, the ``X-Amz-Security-Token`` with :meth:`Credential.accepts`, and the
time with ``expires_at``. ``lakelet.aws.app`` then makes the credential's :class:`Principal` known to the operation
(``lakelet.aws.context.caller()``) and has ``lakelet.aws.authorisation.authorise`` decide whether it may.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Principal:
    """A signer. ``kind`` is ``root`` (the workspace's own key), ``user`` (IAM), ``role`` (a session of a role),
    ``federated`` (whom a user or root gave credentials by GetFederationToken) or ``anonymous`` (who did not sign).

    ``arn`` is what AccessDenied sentences and GetCallerIdentity show; ``entity_arn`` the user's or role's own, which
    is another for a session of a role; ``user_id`` is GetCallerIdentity's UserId and the condition key ``aws:userid``.
    ``entity_id`` and ``name`` are the IAM user's or role's own; of root, the account; of a federated user, of who
    federated it. ``session`` tells temporary credentials from long-term ones, ``issued_at`` (Unix seconds) since when
    they hold. ``session_policies`` are the documents that narrow a session: the texts of inline policies, the ARNs of
    managed ones; None when nothing narrows it. ``scopes`` are the policies by which GetScopedCredentials narrowed it
    further, each of which must allow. ``tags`` are those of the session alone, and ``transitive`` the keys, in lower
    case, of those that the next session of a role chain has too. ``source_identity`` is who began the chain,
    ``mfa_at`` (Unix seconds) when a device proved a GetSessionToken. Of who came by an identity provider,
    ``provider`` is its ARN and ``claims`` the condition keys, in lower case, with what it said.
    """

    kind: Literal["root", "user", "role", "federated", "anonymous"]
    account: str
    arn: str
    user_id: str
    entity_id: str
    name: str
    entity_arn: str
    session: bool = False
    issued_at: float | None = None
    session_policies: tuple[str, ...] | None = None
    tags: tuple[tuple[str, str], ...] = ()
    scopes: tuple[str, ...] = ()
    transitive: tuple[str, ...] = ()
    source_identity: str | None = None
    mfa_at: float | None = None
    provider: str | None = None
    claims: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def unlimited(self) -> bool:
        """Whether it is the root user, or a session of its that nothing narrows."""
        return self.kind == "root" and self.session_policies is None and not self.scopes

    @property
    def of_root(self) -> bool:
        """Whether it is root's, so that no entity of IAM stands behind it."""
        return self.entity_id == self.account


@dataclass(frozen=True)
class Credential:
    """One access key: its secret, whose it is and, of temporary ones, the token that belongs to it and its end."""

    access_key_id: str
    secret: str = field(repr=False)
    principal: Principal
    token_digest: str | None = field(default=None, repr=False)
    expires_at: float | None = None  # Unix seconds; None for a long-term key

    def accepts(self, token: str | None) -> bool:
        """Whether ``token`` is the session token of this key; long-term keys come with none."""
        if token is None or self.token_digest is None:
            return token is None and self.token_digest is None
        return hmac.compare_digest(digest(token), self.token_digest)


def digest(token: str) -> str:
    """What is kept of a session token: enough to know it again, not to make it."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def root(account: str) -> Principal:
    """The account's root user."""
    return Principal(
        "root", account, f"arn:aws:iam::{account}:root", account, account, account, f"arn:aws:iam::{account}:root"
    )


def anonymous(account: str) -> Principal:
    """Who asks without a signature, for what needs none."""
    return Principal("anonymous", account, "anonymous", "anonymous", "anonymous", "anonymous", "anonymous")

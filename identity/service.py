"""What the wire asks of this room: whose key it is, what its principal may do, and credentials for a while."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import sqlalchemy as sa

from lakelet.identity import managed, messages, object_store, store
from lakelet.identity.conditions import Context
from lakelet.identity.documents import parse
from lakelet.identity.errors import MalformedPolicyDocument, NoSuchEntity
from lakelet.identity.evaluator import Decision, Layer, Source, decide
from lakelet.identity.federation.oidc import Keys
from lakelet.identity.keys import root_key
from lakelet.identity.principals import Credential, Principal, digest, root
from lakelet.identity.s3_policy import compile_policy
from lakelet.workspace.errors import AccessDeniedException
from lakelet.workspace.paths import Workspace
from lakelet.workspace.state import reading, writing

log = logging.getLogger(__name__)

IDENTITY, BOUNDARY, SESSION = "identity-based policy", "permissions boundary", "session policy"
SCOPE = "scope down policy"
REQUESTED_REGION = "aws:requestedregion"
Mint = Callable[[Workspace, str, int], tuple[str, str, str, float]]


class Identity:
    """The principals of one workspace. ``clock`` gives Unix seconds, ``mint`` keys that the object store believes."""

    def __init__(
        self,
        workspace: Workspace,
        engine: sa.Engine,
        clock: Callable[[], float] = time.time,
        mint: Mint = object_store.mint,
    ) -> None:
        self._workspace = workspace
        self._engine = engine
        self._account = workspace.settings.text("account_id")
        self._mint = mint
        self.clock = clock
        self.provider_keys = Keys()

    @property
    def account(self) -> str:
        """The account's id."""
        return self._account

    def credential(self, access_key_id: str) -> Credential | None:
        """The credential with that access key id; None when there is none, or it is inactive, or its owner is gone.

        An expired one is still found, so that its user can be told.
        """
        own = root_key(self._workspace)
        if access_key_id == own.id:
            return Credential(own.id, own.secret, root(self._account))
        with reading(self._engine) as connection:
            if found := store.find_key(connection, access_key_id):
                key, secret = found
                user = store.by_id(connection, key.user_id)
                if user is None or key.status != "Active":
                    return None
                return Credential(key.id, secret, self.user(user))
            session = store.find_session(connection, access_key_id)
            if session is None or session.principal.of_root:
                return session
            entity = store.by_id(connection, session.principal.entity_id)
            if entity is None:
                return None
            return replace(session, principal=self._renamed(session.principal, entity))

    def used(self, credential: Credential, service: str, region: str) -> None:
        """Remember that a user's key signed a request that was believed."""
        if credential.principal.kind != "user" or credential.principal.session:
            return
        now = self.clock()
        with reading(self._engine) as connection:
            found = store.find_key(connection, credential.access_key_id)
        if found is None:
            return
        key = found[0]
        same = (key.last_service, key.last_region) == (service, region)
        if same and key.last_used_at is not None and now - key.last_used_at < store.LAST_USED_SECONDS:
            return
        try:
            with writing(self._engine) as connection:
                store.key_used(connection, credential.access_key_id, service, region, now)
        except sa.exc.DatabaseError as error:  # a full disk, say, must not refuse what only reads
            log.warning("The last use of the key %s was not written: %s", credential.access_key_id, error.orig)

    def user(self, entity: store.Entity) -> Principal:
        """The principal that a user's own key signs for."""
        arn = entity.arn(self._account)
        return Principal("user", self._account, arn, entity.id, entity.id, entity.name, arn)

    def role_session(self, role: store.Entity, name: str) -> Principal:
        """The principal of a session of a role."""
        arn = f"arn:aws:sts::{self._account}:assumed-role/{role.name}/{name}"
        user_id = f"{role.id}:{name}"
        return Principal("role", self._account, arn, user_id, role.id, role.name, role.arn(self._account), True)

    def federated(self, signer: Principal, name: str) -> Principal:
        """The principal of a federated user, who may do what the signer may and session policies allow."""
        arn = f"arn:aws:sts::{self._account}:federated-user/{name}"
        return replace(signer, kind="federated", arn=arn, entity_arn=arn, user_id=f"{self._account}:{name}")

    def _renamed(self, principal: Principal, entity: store.Entity) -> Principal:
        """A session's principal under the name that its user has by now; roles keep theirs."""
        arn = entity.arn(self._account)
        if principal.kind == "user":
            return replace(principal, arn=arn, entity_arn=arn, name=entity.name)
        return replace(principal, entity_arn=arn) if principal.kind == "role" else principal

    # -- what a principal may do ------------------------------------------------------------------------------------

    def layers(self, principal: Principal) -> tuple[Layer, ...]:
        """The policies that bind a principal: its own, its boundary, its session's. Root's own allow everything."""
        with reading(self._engine) as connection:
            if principal.of_root:
                everything = Source("root", parse(managed.MANAGED[f"{managed.PREFIX}AdministratorAccess"]))
                found = [Layer(IDENTITY, (everything,))]
            else:
                entity = store.by_id(connection, principal.entity_id)
                found = list(self.entity_layers(connection, entity)) if entity else [Layer(IDENTITY, ())]
            if principal.session_policies is not None:
                sources = tuple(self._session_source(connection, one) for one in principal.session_policies)
                found.append(Layer(SESSION, sources))
            found += [Layer(SCOPE, (self._session_source(connection, one),)) for one in principal.scopes]
        return tuple(found)

    def entity_layers(self, connection: sa.Connection, entity: store.Entity) -> tuple[Layer, ...]:
        """The policies of a user (its groups' too), group or role, and its boundary."""
        owners = [entity, *(store.groups_of(connection, entity.id) if entity.kind == "user" else ())]
        sources = []
        for owner in owners:
            for name, document in store.inline_policies(connection, owner.id).items():
                sources.append(Source(f"{owner.kind}_{owner.name}_{name}", parse(document), owner.kind))
            for arn in store.attached(connection, owner.id):
                sources.append(Source(arn, parse(self.document(connection, arn))))
        layers = [Layer(IDENTITY, tuple(sources))]
        if boundary := entity.body.get("boundary"):
            layers.append(Layer(BOUNDARY, (Source(boundary, parse(self.document(connection, boundary))),)))
        return tuple(layers)

    def _session_source(self, connection: sa.Connection, policy: str) -> Source:
        if not policy.startswith("arn:"):
            return Source("session", parse(policy))
        if policy in managed.ROOT_TASKS:
            return Source(policy, parse(managed.ROOT_TASKS[policy]))
        try:
            return Source(policy, parse(self.document(connection, policy)))
        except NoSuchEntity:  # deleted since: it allows nothing any more
            return Source(policy, parse('{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'))

    def document(self, connection: sa.Connection, policy_arn: str) -> str:
        """The document in force of a managed policy; NoSuchEntity."""
        if policy_arn in managed.MANAGED:
            return managed.MANAGED[policy_arn]
        policy = self.policy(connection, policy_arn)
        default = policy.body["default"]
        return next(text for number, text, _ in store.versions(connection, policy.id) if number == default)

    def policy(self, connection: sa.Connection, policy_arn: str) -> store.Entity:
        """A customer managed policy by ARN; NoSuchEntity."""
        name = policy_arn.rpartition("/")[2]
        found = store.find(connection, "policy", name) if name else None
        if found is None or found.arn(self._account) != policy_arn:
            raise NoSuchEntity(f"Policy {policy_arn} does not exist or is not attachable.")
        return found

    def arn(self, kind: store.Kind, name: str) -> str:
        """The ARN of the entity of that name, in whatever case; of one that is not there, as if it were under ``/``."""
        return self.find_arn(kind, name) or f"arn:aws:iam::{self._account}:{kind}/{name}"

    def find_arn(self, kind: store.Kind, name: str) -> str | None:
        """The ARN of the entity of that name, in whatever case; None when there is none."""
        with reading(self._engine) as connection:
            found = store.find(connection, kind, name)
        return found.arn(self._account) if found else None

    def context(self, principal: Principal) -> dict[str, tuple[str, ...]]:
        """The condition keys that hold for everything that a principal asks, in lower case."""
        kinds = {"root": "Account", "user": "User", "role": "AssumedRole", "federated": "FederatedUser",
                 "anonymous": "Anonymous"}  # fmt: skip
        found: dict[str, tuple[str, ...]] = {
            "aws:principalarn": (principal.entity_arn,),
            "aws:principalaccount": (principal.account,),
            "aws:principaltype": (kinds[principal.kind],),
            "aws:userid": (principal.user_id,),
            REQUESTED_REGION: (self._workspace.settings.text("region"),),
            "aws:principalisawsservice": ("false",),
            "aws:viaawsservice": ("false",),
        }
        if principal.kind == "user":
            found["aws:username"] = (principal.name,)
        if principal.session:
            found["aws:multifactorauthpresent"] = ("true" if principal.mfa_at is not None else "false",)
        if principal.mfa_at is not None:
            found["aws:multifactorauthage"] = (str(max(0, int(self.clock() - principal.mfa_at))),)
        if principal.issued_at is not None:
            found["aws:tokenissuetime"] = (stamp(principal.issued_at),)
        if principal.source_identity is not None:
            found["aws:sourceidentity"] = (principal.source_identity,)
        if principal.provider is not None:
            found["aws:federatedprovider"] = (principal.provider,)
        if managed.is_root_task(principal.session_policies):
            found["aws:assumedroot"] = ("true",)
        found.update(principal.claims)
        for key, value in self.tags_of(principal).items():
            found[f"aws:principaltag/{key.lower()}"] = (value,)
        return found

    def keys(self, principal: Principal, request: Context) -> dict[str, tuple[str, ...]]:
        """The condition keys of one request: its own, and the principal's, which win but for the region asked."""
        found = {**request, **self.context(principal)}
        if REQUESTED_REGION in request:
            found[REQUESTED_REGION] = tuple(request[REQUESTED_REGION])
        return found

    def tags_of(self, principal: Principal) -> dict[str, str]:
        """A principal's tags: its user's or role's, and its session's, which win."""
        found: dict[str, tuple[str, str]] = {}
        own: Sequence[tuple[str, str]] = ()
        if not principal.of_root:
            with reading(self._engine) as connection:
                entity = store.by_id(connection, principal.entity_id)
            own = list(entity.body.get("tags", {}).items()) if entity else ()
        for key, value in (*own, *principal.tags):
            found[key.lower()] = (key, value)
        return dict(found.values())

    def decide(self, principal: Principal, action: str, resource: str, extra: Context) -> Decision:
        """Whether a principal may do an action on a resource, in a request with these condition keys besides."""
        if principal.unlimited:
            return Decision("allowed")
        return decide(self.layers(principal), action, resource, self.keys(principal, extra))

    def authorise(self, principal: Principal, action: str, resources: Sequence[str], extra: Context) -> None:
        """Hold that a principal may do an action on every one of the resources; AccessDeniedException with AWS's words.

        ``extra`` are the request's own condition keys, in lower case.
        """
        if principal.unlimited:
            return
        layers, context = self.layers(principal), self.keys(principal, extra)
        for resource in resources:
            decision = decide(layers, action, resource, context)
            if not decision.allowed:
                raise denied(principal, action, resource, decision, context)

    # -- credentials for a while ------------------------------------------------------------------------------------

    def check_document(self, connection: sa.Connection, document: str | None, arns: Sequence[str]) -> None:
        """Hold that session policies can be read and are there; MalformedPolicyDocument, NoSuchEntity."""
        if document is not None:
            if document.startswith("arn:"):
                raise MalformedPolicyDocument("Syntax errors in policy: the document is no JSON object.")
            parse(document)
        for arn in arns:
            self.document(connection, arn)

    def open_session(self, principal: Principal, seconds: int, token_size: int = 0) -> tuple[Credential, str]:
        """Temporary credentials for a principal, and their session token of at least ``token_size`` bytes: good here
        and at the object store.

        The object store makes them, for what all policies that bind the principal allow there, and for as long as it
        should be at least; of an external one that has no AssumeRole they are unknown. Raises what
        :func:`lakelet.identity.s3_policy.compile_policy` and :func:`lakelet.identity.object_store.mint` raise.
        """
        now = self.clock()
        holder = replace(principal, session=True, issued_at=now)
        layers = self.layers(holder)
        if seconds < object_store.LEAST_SECONDS:
            layers = (*layers, object_store.until(now + seconds))
        policy = compile_policy(layers, self.context(holder))
        try:
            key_id, secret, token, expires = self._mint(self._workspace, policy, seconds)
            if len(token) < token_size:
                policy = object_store.padded(policy, token_size - len(token))
                key_id, secret, token, expires = self._mint(self._workspace, policy, seconds)
        except object_store.NoAssumeRoleError as error:
            log.warning("%s Session credentials are good for everything but S3.", error)
            key_id, secret = store.new_id("ASIA")[:20], secrets.token_urlsafe(30)
            token, expires = secrets.token_urlsafe(max(192, token_size)), now + seconds
        expires = min(expires, now + seconds)
        credential = Credential(key_id, secret, holder, digest(token), float(int(expires)))
        with writing(self._engine) as connection:
            store.add_session(connection, credential, now)
        return credential, token


def denied(
    principal: Principal, action: str, resource: str, decision: Decision, context: Context
) -> AccessDeniedException:
    """The refusal in AWS's words (IAM User Guide, "Troubleshoot access denied error messages"), and its details."""
    if decision.verdict == "explicitDeny":
        article = "an" if decision.layer.startswith("i") else "a"
        why = f"with an explicit deny in {article} {decision.layer}"
    else:
        why = f"because no {decision.layer or IDENTITY} allows the {action} action"
    error = AccessDeniedException(
        f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource} {why}"
    )
    error.details = messages.details(principal, action, resource, decision, context)
    return error


def stamp(moment: float) -> str:
    """A moment (Unix seconds) as condition keys write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))

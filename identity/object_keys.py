"""Users' access keys at the object store: what signs there, under which policy, kept as IAM has it.

Each active key of a user is a MinIO user of that name, and its policy is compiled from what binds the IAM user
(identity/s3_policy.py): so the key signs S3 wherever S3 is asked for, and MinIO decides. An external S3 endpoint is
left alone: keys sign there what its own administrators let them.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import sqlalchemy as sa

from lakelet.identity import store
from lakelet.identity.errors import PackedPolicyTooLarge
from lakelet.identity.evaluator import Layer
from lakelet.identity.s3_policy import compile_policy
from lakelet.identity.service import Identity
from lakelet.workspace.errors import NotImplementedException
from lakelet.workspace.paths import Workspace
from lakelet.workspace.state import reading

log = logging.getLogger(__name__)

MAX_POLICY = 20_000  # characters; MinIO takes 20 KiB
RETRY_SECONDS = 1.0
# MinIO lets every user make further keys for itself, which IAM would not know.
_NO_ADMIN = {"Effect": "Deny", "Action": ["admin:*"]}


@dataclass(frozen=True)
class _Key:
    """A user's key: with a policy it can sign, else ``refusal`` says why not."""

    user_id: str
    secret: str = field(repr=False)
    policy: str | None
    refusal: str | None


class ObjectKeys:
    """Keeps MinIO's users as IAM's access keys are; :meth:`changed` says that IAM has changed."""

    def __init__(self, workspace: Workspace, engine: sa.Engine, identity: Identity) -> None:
        self._workspace = workspace
        self._engine = engine
        self._identity = identity
        self._lock = threading.Lock()
        self._there: dict[str, _Key] | None = None  # the keys that MinIO was told of; None when that is not known
        self._behind = False
        self._late = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._catch_up, name="object-keys", daemon=True)
        self._refused: dict[str, str] = {}

    def start(self) -> None:
        """Bring MinIO up to date in the background, now and whenever it was down at a change."""
        self._late.set()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._late.set()

    def refusal(self, key_id: str) -> str | None:
        """Why a key does not sign S3: what MinIO cannot enforce of its user's policies. None for others."""
        return self._refused.get(key_id)

    def changed(self, user_name: str | None = None) -> None:
        """Make MinIO's users what IAM's keys are; ``user_name`` says that no other user's may have changed.

        When MinIO is down, that is done as soon as it is back.
        """
        if self._workspace.settings.text("s3_endpoint"):
            return
        from lakelet.identity.minio_users import FAILURES  # what it imports would hold up the start

        try:
            self._apply(user_name)
            self._behind = False
        except (*FAILURES, sa.exc.SQLAlchemyError) as error:
            if not self._behind:  # once, not every second
                log.warning("The object store does not have the last change of IAM's keys yet: %s", error)
            self._behind = True
            self._late.set()

    def _catch_up(self) -> None:
        while self._late.wait() and not self._stopped.is_set():
            self._late.clear()
            self.changed()
            if self._late.is_set():
                self._stopped.wait(RETRY_SECONDS)

    def _apply(self, user_name: str | None) -> None:
        from lakelet.identity.minio_users import MinioUsers

        with self._lock:
            known = self._there
            wanted = self._wanted(known, user_name)
            self._refused = {key_id: key.refusal for key_id, key in wanted.items() if key.refusal is not None}
            if wanted == known:
                return
            users = MinioUsers(self._workspace)
            there = users.found() if known is None else {k: True for k, key in known.items() if key.policy is not None}
            self._there = None  # until all of it is done
            for key_id in there:
                if key_id not in wanted or wanted[key_id].policy is None:
                    users.remove(key_id)
            for key_id, key in wanted.items():
                if key.policy is not None and (known is None or known.get(key_id) != key):
                    users.allow(key_id, key.policy)
                    if not there.get(key_id):  # a key's secret never changes
                        users.add(key_id, key.secret)
            self._there = wanted

    def _wanted(self, known: Mapping[str, _Key] | None, user_name: str | None) -> dict[str, _Key]:
        """The active keys; of ``known`` ones, only those of one user are looked at again."""
        wanted: dict[str, _Key] = {}
        with reading(self._engine) as connection:
            if known is None or user_name is None:
                users = store.listed(connection, "user")
            else:
                found = store.find(connection, "user", user_name)
                users = [found] if found else []
                wanted = {key_id: key for key_id, key in known.items() if not found or key.user_id != found.id}
            by_user: dict[str, list[tuple[str, str]]] = {}
            for key_id, user_id, secret_key in store.active_keys(connection):
                by_user.setdefault(user_id, []).append((key_id, secret_key))
            for user in users:
                if user.id in by_user:
                    policy, refusal = self._policy(connection, user)
                    for key_id, secret_key in by_user[user.id]:
                        wanted[key_id] = _Key(user.id, secret_key, policy, refusal)
        return wanted

    def _policy(self, connection: sa.Connection, user: store.Entity) -> tuple[str | None, str | None]:
        """What a user's keys may do at MinIO, or what of it MinIO cannot enforce."""
        principal = self._identity.user(user)
        context = tuple(sorted(self._identity.context(principal).items()))
        try:
            return _compiled(self._identity.entity_layers(connection, user), context), None
        except (NotImplementedException, PackedPolicyTooLarge) as error:
            if str(error) not in self._refused.values():
                log.warning("The keys of %s do not sign S3: %s", principal.arn, error)
            return None, str(error)


@lru_cache(maxsize=4096)
def _compiled(layers: tuple[Layer, ...], context: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    policy = json.loads(compile_policy(layers, dict(context), MAX_POLICY))
    policy["Statement"].append(_NO_ADMIN)
    return json.dumps(policy)

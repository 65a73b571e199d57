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

from identity import store
from identity.errors import PackedPolicyTooLarge
from identity.evaluator import Layer
from identity.s3_policy import compile_policy
from identity.service import Identity
from workspace.errors import NotImplementedException
from workspace.paths import Workspace
from workspace.state import reading

log = logging.getLogger(__name__)

MAX_POLICY = 20_000  # characters; MinIO takes 20 KiB
RETRY_SECONDS = 1.0
# MinIO lets every user make further keys for itself, which IAM would not know.
_NO_ADMIN = {"Effect": "Deny", "Action": ["admin:*"]}


@dataclass(frozen=True)
class _Key:
    secret: str = field(repr=False)
    policy: str


class ObjectKeys:
    """Keeps MinIO's users as IAM's access keys are; :meth:`changed` says that IAM has changed."""

    def __init__(self, workspace: Workspace, engine: sa.Engine, identity: Identity) -> None:
        self._workspace = workspace
        self._engine = engine
        self._identity = identity
        self._lock = threading.Lock()
        self._there: dict[str, _Key] | None = None  # what MinIO has; None when that is not known
        self._behind = False
        self._late = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._catch_up, name="object-keys", daemon=True)
        self.refused: Mapping[str, str] = {}
        """The keys that cannot sign S3, for MinIO cannot enforce their policies, and the sentence that says what."""

    def start(self) -> None:
        """Bring MinIO up to date in the background, now and whenever it was down at a change."""
        self._late.set()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._late.set()

    def changed(self) -> None:
        """Make MinIO's users what IAM's keys are. When it is down, that is done as soon as it is back."""
        if self._workspace.settings.text("s3_endpoint"):
            return
        from identity.minio_users import FAILURES  # what it imports would hold up the start

        try:
            self._apply()
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

    def _apply(self) -> None:
        from identity.minio_users import MinioUsers

        with self._lock:
            wanted, self.refused = self._wanted()
            if self._there is not None and wanted == self._there:
                return
            users = MinioUsers(self._workspace)
            there = self._there if self._there is not None else dict.fromkeys(users.names())
            self._there = None  # until all of it is done
            for key_id in there.keys() - wanted.keys():
                users.remove(key_id)
            for key_id, key in wanted.items():
                before = there.get(key_id)
                if before != key:
                    users.allow(key_id, key.policy)
                if before is None or before.secret != key.secret:
                    users.add(key_id, key.secret)
            self._there = wanted

    def _wanted(self) -> tuple[dict[str, _Key], dict[str, str]]:
        """The keys that MinIO should have, and those that it cannot have."""
        wanted: dict[str, _Key] = {}
        refused: dict[str, str] = {}
        with reading(self._engine) as connection:
            keys = store.active_keys(connection)
            users = {user.id: user for user in store.listed(connection, "user")} if keys else {}
        for key_id, user_id, secret_key in keys:
            user = self._identity.user(users[user_id])
            context = tuple(sorted(self._identity.context(user).items()))
            try:
                wanted[key_id] = _Key(secret_key, _compiled(self._identity.layers(user), context))
            except (NotImplementedException, PackedPolicyTooLarge) as error:
                refused[key_id] = str(error)
                if key_id not in self.refused:
                    log.warning("The key %s of %s does not sign S3: %s", key_id, user.arn, error)
        return wanted, refused


@lru_cache(maxsize=4096)
def _compiled(layers: tuple[Layer, ...], context: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    policy = json.loads(compile_policy(layers, dict(context), MAX_POLICY))
    policy["Statement"].append(_NO_ADMIN)
    return json.dumps(policy)

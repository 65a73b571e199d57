"""Credentials: found again after a restart, under today's name, and no longer once their owner is gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from lakelet.identity import store
from lakelet.identity.errors import NoSuchEntity
from lakelet.identity.object_store import NoAssumeRoleError
from lakelet.identity.principals import Principal
from lakelet.identity.service import Identity
from lakelet.workspace.errors import AccessDeniedException
from lakelet.workspace.paths import Workspace
from lakelet.workspace.state import open_state, writing
from tests.unit.test_identity_evaluator import statement

Minted = list[tuple[str, int]]


@pytest.fixture
def made(tmp_path: Path) -> tuple[Workspace, sa.Engine]:
    workspace = Workspace(tmp_path, tmp_path / ".lakelet").prepare()
    return workspace, open_state(workspace.database)


def minting(minted: Minted) -> Callable[[Workspace, str, int], tuple[str, str, str, float]]:
    """What the object store would do, as far as this room sees it."""

    def mint(workspace: Workspace, policy: str, seconds: int) -> tuple[str, str, str, float]:
        minted.append((policy, seconds))
        return "MINIOKEY", "its secret", "its token", 1000.0 + seconds

    return mint


def user(engine: sa.Engine, name: str = "ana", *statements: dict[str, Any]) -> store.Entity:
    with writing(engine) as connection:
        entity = store.create(connection, "user", name, "/", {})
        if statements:
            store.put_inline(connection, entity.id, "p", json.dumps({"Statement": list(statements)}))
    return entity


def test_sessions_outlive_the_control_process(made: tuple[Workspace, sa.Engine]) -> None:
    workspace, engine = made
    minted: Minted = []
    identity = Identity(workspace, engine, lambda: 1000.0, minting(minted))
    ana = user(engine, "ana", statement(Action="s3:GetObject", Resource="arn:aws:s3:::b/*"))
    credential, token = identity.open_session(replace(identity.user(ana), tags=(("a", "b"),)), 900)
    assert minted[0][1] == 900 and '"s3:GetObject"' in minted[0][0] and "b/*" in minted[0][0]
    engine.dispose()
    again = Identity(workspace, open_state(workspace.database), lambda: 1000.0)
    found = again.credential("MINIOKEY")
    assert found == credential and found.expires_at == 1900.0
    assert found.accepts(token) and not found.accepts("another") and not found.accepts(None)
    assert found.principal.session and found.principal.issued_at == 1000.0 and found.principal.tags == (("a", "b"),)


def test_secrets_are_not_shown(made: tuple[Workspace, sa.Engine]) -> None:
    workspace, engine = made
    identity = Identity(workspace, engine, lambda: 1000.0, minting([]))
    credential, token = identity.open_session(identity.user(user(engine)), 900)
    assert credential.secret not in repr(credential) and token not in repr(credential)
    assert token.encode() not in workspace.database.read_bytes()  # a digest is enough to know it again
    assert workspace.state.stat().st_mode & 0o077 == 0


def test_a_key_follows_its_owner(made: tuple[Workspace, sa.Engine]) -> None:
    workspace, engine = made
    identity = Identity(workspace, engine, lambda: 1000.0, minting([]))
    ana = user(engine)
    with writing(engine) as connection:
        key, _ = store.create_key(connection, ana.id)
    identity.open_session(identity.user(ana), 900)
    with writing(engine) as connection:
        store.save(connection, replace(ana, name="anna", path="/x/"))
    for key_id in (key.id, "MINIOKEY"):
        found = identity.credential(key_id)
        assert found is not None and found.principal.arn.endswith(":user/x/anna")
    with writing(engine) as connection:
        store.delete(connection, ana)
    assert identity.credential(key.id) is None and identity.credential("MINIOKEY") is None
    user(engine, "anna")  # another of that name is not the one
    assert identity.credential("MINIOKEY") is None


def test_last_use_is_not_written_at_every_request(made: tuple[Workspace, sa.Engine]) -> None:
    workspace, engine = made
    now = [1000.0]
    identity = Identity(workspace, engine, lambda: now[0])
    with writing(engine) as connection:
        ana = store.create(connection, "user", "ana", "/", {})
        key, _ = store.create_key(connection, ana.id)
    credential = identity.credential(key.id)
    assert credential is not None
    seen = []
    for moment, service in ((1000.0, "glue"), (1030.0, "glue"), (1031.0, "sts"), (1100.0, "sts")):
        now[0] = moment
        identity.used(credential, service, "us-east-1")
        with writing(engine) as connection:
            found = store.find_key(connection, key.id)
            assert found is not None
            seen.append(found[0].last_used_at)
    assert seen == [1000.0, 1000.0, 1031.0, 1100.0]


def test_an_external_store_without_assume_role_gets_no_say(made: tuple[Workspace, sa.Engine]) -> None:
    def refuse(workspace: Workspace, policy: str, seconds: int) -> tuple[str, str, str, float]:
        raise NoAssumeRoleError("It has none.")

    workspace, engine = made
    identity = Identity(workspace, engine, lambda: 1000.0, refuse)
    credential, token = identity.open_session(identity.user(user(engine)), 900)
    assert credential.access_key_id.startswith("ASIA") and len(credential.access_key_id) == 20
    assert credential.expires_at == 1900.0 and credential.accepts(token)


def test_a_session_policy_that_was_deleted_allows_nothing(made: tuple[Workspace, sa.Engine]) -> None:
    workspace, engine = made
    identity = Identity(workspace, engine)
    principal: Principal = identity.user(user(engine, "ana", statement()))
    identity.authorise(principal, "glue:GetTable", ["*"], {})
    gone = replace(principal, session=True, session_policies=("arn:aws:iam::123456789012:policy/gone",))
    with pytest.raises(AccessDeniedException, match="explicit deny in a session policy"):
        identity.authorise(gone, "glue:GetTable", ["*"], {})


def test_policies_are_found_by_their_whole_arn(made: tuple[Workspace, sa.Engine]) -> None:
    workspace, engine = made
    identity = Identity(workspace, engine)
    with writing(engine) as connection:
        policy = store.create(connection, "policy", "p", "/a/", {"default": 1, "latest": 1})
        store.add_version(connection, policy.id, 1, "{}")
        assert identity.document(connection, "arn:aws:iam::123456789012:policy/a/p") == "{}"
        for wrong in ("123456789012:policy/p", "1:policy/a/p", "aws:policy/p", "123456789012:user/a/p", ""):
            with pytest.raises(NoSuchEntity):
                identity.document(connection, f"arn:aws:iam::{wrong}")


def test_sessions_of_before_there_were_chains_go_on(made: tuple[Workspace, sa.Engine]) -> None:
    """A row as it was written before a principal had scopes, a source identity, a device or a provider."""
    workspace, engine = made
    identity = Identity(workspace, engine, lambda: 1000.0, minting([]))
    opened, _ = identity.open_session(identity.user(user(engine)), 900)
    with writing(engine) as connection:
        rows = sa.table("sts_sessions", sa.column("principal", sa.JSON))
        old = dict(connection.execute(sa.select(rows.c.principal)).scalar_one())
        for name in ("scopes", "transitive", "source_identity", "mfa_at", "provider", "claims"):
            del old[name]
        connection.execute(sa.update(rows).values(principal=old))
    assert identity.credential("MINIOKEY") == opened


def test_a_brief_session_ends_on_the_object_store_too(made: tuple[Workspace, sa.Engine]) -> None:
    workspace, engine = made
    minted: Minted = []
    identity = Identity(workspace, engine, lambda: 1000.0, minting(minted))
    ana = identity.user(user(engine, "ana", statement(Action="s3:GetObject", Resource="arn:aws:s3:::b/*")))
    credential, _ = identity.open_session(ana, 60)
    found = json.loads(minted[0][0])["Statement"]
    assert [one["Condition"] for one in found] == [{"DateLessThan": {"aws:CurrentTime": ["1970-01-01T00:17:40Z"]}}]
    assert credential.expires_at == 1060.0

"""Chains of roles through boto3: what one session hands on to the next."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.conftest import Wire
from tests.wire.test_iam import ACCOUNT, allow, ana, client, document, iam, refused  # noqa: F401
from tests.wire.test_sts import store  # noqa: F401

pytestmark = pytest.mark.usefixtures("store")
ALL = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
TEAM, PLACE = {"Key": "team", "Value": "lake"}, {"Key": "place", "Value": "shore"}


@pytest.fixture
def roles(iam: Any) -> Any:  # noqa: F811
    """Makes the roles ``one`` and ``two``; ``one`` may go on to ``two``."""

    def make(actions: Any = ALL, **conditions: Any) -> None:
        trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": ALL}
        iam.create_role(RoleName="one", AssumeRolePolicyDocument=document(trust))
        second = trust | {"Action": actions} | ({"Condition": conditions} if conditions else {})
        iam.create_role(RoleName="two", AssumeRolePolicyDocument=document(second))
        for name in ("one", "two"):
            rights = document(
                allow("sts:*"),
                allow("glue:GetDatabases", Condition={"StringEquals": {"aws:PrincipalTag/team": "lake"}}),
                allow("glue:GetJobs", Condition={"StringEquals": {"aws:PrincipalTag/place": "shore"}}),
                allow("glue:GetCrawlers", Condition={"StringEquals": {"aws:SourceIdentity": "mia"}}),
            )
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=rights)

    return make


def assumed(sts: Any, name: str, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    return dict(sts.assume_role(RoleArn=arn, RoleSessionName="run", **more))


def refusal(sts: Any, name: str, **more: Any) -> tuple[str, str, int]:
    return refused(lambda: assumed(sts, name, **more))


def test_transitive_tags_and_the_source_identity_are_handed_on(wire: Wire, roles: Any) -> None:
    roles()
    first = assumed(wire.client("sts"), "one", Tags=[TEAM, PLACE], TransitiveTagKeys=["Team"], SourceIdentity="mia")
    assert first["SourceIdentity"] == "mia"
    sts = client(wire, "sts", first["Credentials"])
    second = assumed(sts, "two")
    assert second["SourceIdentity"] == "mia"
    glue = client(wire, "glue", second["Credentials"])
    assert glue.get_databases() and glue.get_crawlers()
    assert refused(glue.get_jobs)[0] == "AccessDeniedException"  # place was not transitive
    third = assumed(client(wire, "sts", second["Credentials"]), "one", Tags=[PLACE])
    glue = client(wire, "glue", third["Credentials"])
    assert glue.get_databases() and glue.get_crawlers() and glue.get_jobs()
    assert refusal(sts, "two", Tags=[{"Key": "TEAM", "Value": "x"}])[0] == "ValidationError"
    assert refusal(sts, "two", SourceIdentity="eve")[0] == "AccessDenied"
    assert assumed(sts, "two", SourceIdentity="mia")["SourceIdentity"] == "mia"


def test_what_setting_them_needs(wire: Wire, roles: Any) -> None:
    roles("sts:AssumeRole")
    sts = wire.client("sts")
    for name, more in (("TagSession", {"Tags": [TEAM]}), ("SetSourceIdentity", {"SourceIdentity": "mia"})):
        code, said, _ = refusal(sts, "two", **more)
        assert code == "AccessDenied" and f"sts:{name}" in said
        chain = client(wire, "sts", assumed(sts, "one", **more, **transitive(more))["Credentials"])
        assert f"sts:{name}" in refusal(chain, "two")[1]  # what is handed on is set anew
    assert assumed(sts, "two")
    assert refusal(sts, "one", TransitiveTagKeys=["team"])[0] == "ValidationError"
    assert refusal(sts, "one", Tags=[TEAM, TEAM | {"Key": "TEAM"}])[0] == "InvalidInput"
    assert refusal(sts, "one", SourceIdentity="aws:x")[0] == "ValidationError"
    context = {"ProviderArn": "arn:aws:iam::aws:contextProvider/IdentityCenter", "ContextAssertion": "x" * 10}
    assert refusal(sts, "one", ProvidedContexts=[context])[0::2] == ("InvalidContextAssertion", 400)


def transitive(more: dict[str, Any]) -> dict[str, Any]:
    return {"TransitiveTagKeys": [tag["Key"] for tag in more["Tags"]]} if "Tags" in more else {}


def test_conditions_of_a_trust_policy(wire: Wire, roles: Any) -> None:
    roles(
        StringLike={"sts:SourceIdentity": "m*"},
        **{"ForAllValues:StringEquals": {"sts:TransitiveTagKeys": ["team"], "aws:TagKeys": ["team", "place"]}},
    )
    sts = wire.client("sts")
    assert refusal(sts, "two")[0] == refusal(sts, "two", SourceIdentity="eve")[0] == "AccessDenied"
    assert assumed(sts, "two", SourceIdentity="mia")
    assert assumed(sts, "two", SourceIdentity="mia", Tags=[TEAM, PLACE], TransitiveTagKeys=["team"])
    odd = {"Tags": [TEAM, PLACE], "TransitiveTagKeys": ["place"]}
    assert refusal(sts, "two", SourceIdentity="mia", **odd)[0] == "AccessDenied"
    chain = client(wire, "sts", assumed(sts, "one", SourceIdentity="mia")["Credentials"])
    assert assumed(chain, "two")["SourceIdentity"] == "mia"

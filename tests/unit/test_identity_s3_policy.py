"""The one S3 policy of a session: it allows what the evaluator allows, and says so when it cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakelet.identity.documents import parse
from lakelet.identity.errors import PackedPolicyTooLarge
from lakelet.identity.evaluator import Layer, Source, decide
from lakelet.identity.s3_policy import ACTIONS, OBJECT_ACTIONS, compile_policy
from lakelet.workspace.errors import NotImplementedException
from tests.unit.test_identity_evaluator import layer, statement

EVERYTHING = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}
NOTHING = {"Effect": "Deny", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}
CONTEXT = {"aws:username": ("ana",), "aws:principaltag/team": ("lake",)}


def compiled(*layers: Layer) -> list[dict[str, Any]]:
    return list(json.loads(compile_policy(layers, CONTEXT))["Statement"])


def test_what_is_written() -> None:
    assert compiled(layer(statement())) == [EVERYTHING]
    assert compiled(layer(statement(Action="glue:*"))) == compiled() == compiled(Layer("x", ())) == [NOTHING]
    assert compiled(layer(statement()), layer(statement(Action="glue:*"))) == [NOTHING]
    one = statement(Action="S3:getobject", Resource="arn:aws:s3:::${aws:username}-${aws:PrincipalTag/team}/*")
    written = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::ana-lake/*"]}
    assert compiled(layer(one)) == compiled(layer(one), layer(statement())) == [written]
    assert compiled(layer(one, statement(Action="s3:Get*"))) == [EVERYTHING | {"Action": ["s3:Get*"]}]
    assert compiled(layer(statement(NotAction="iam:*", NotResource="arn:aws:glue:*:*:*"))) == [EVERYTHING]


def test_conditions_of_the_principal_are_settled() -> None:
    for name, expected in (("ana", EVERYTHING), ("bob", NOTHING)):
        assert compiled(layer(statement(Condition={"StringEquals": {"aws:username": name}}))) == [expected]
    both = {"StringEquals": {"aws:username": "ana"}, "StringLike": {"S3:Prefix": ["${aws:username}/*"]}}
    (found,) = compiled(layer(statement(Action="s3:ListBucket", Condition=both)))
    assert found["Condition"] == {"StringLike": {"s3:prefix": ["ana/*"]}}


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([layer(statement(Condition={"StringEquals": {"s3:TlsVersion": "1"}}))], "the condition key s3:TlsVersion"),
        ([layer(statement(Condition={"ArnLike": {"aws:SourceIp": "a"}}))], "the condition operator ArnLike"),
        ([layer(statement(Condition={"BoolIfExists": {"aws:SecureTransport": "true"}}))], "BoolIfExists"),
        ([layer(statement(Condition={"StringEquals": {"s3:prefix": "${s3:delimiter}"}}))], "a variable in a value"),
        ([layer(statement(Resource="arn:aws:s3:::b/${s3:prefix}"))], "a variable in the resource"),
        ([layer(statement(Resource="arn:aws:s3:::b/${*}"))], "the resource"),
        ([layer(statement(NotResource="arn:aws:s3:::a/*")),
          layer(statement(Resource="arn:aws:s3:::b/*"))], "NotResource"),
        ([layer(statement(Condition={"StringLike": {"s3:prefix": "a*"}})),
          layer(statement(Condition={"StringLike": {"s3:prefix": "*b"}}))], "two conditions"),
        ([layer(statement("Deny", Sid="Odd", Condition={"Null": {"s3:odd": "true"}}))], "the policy p, statement Odd"),
        ([layer(statement(Resource="arn:aws:s3:::" + "?*" * 40)),
          layer(statement(Resource="arn:aws:s3:::" + "*a" * 40))], "wildcards"),
    ],
)  # fmt: skip
def test_what_cannot_be_expressed_is_refused_by_name(layers: list[Layer], said: str) -> None:
    with pytest.raises(NotImplementedException, match="MinIO") as caught:
        compiled(*layers)
    assert said in str(caught.value)


def test_a_session_policy_may_only_be_so_large() -> None:
    many = [f"arn:aws:s3:::bucket-{number}/*" for number in range(100)]
    with pytest.raises(PackedPolicyTooLarge, match="2048"):
        compiled(layer(statement(Resource=many)))


buckets = ["arn:aws:s3:::b", "arn:aws:s3:::a-private"]
objects = ["arn:aws:s3:::b/x/y", "arn:aws:s3:::b/z", "arn:aws:s3:::a-private/x"]
resources = st.lists(
    st.sampled_from(["*", "arn:aws:s3:::*", *buckets, *objects, "arn:aws:s3:::b*", "arn:aws:s3:::*/x*",
                     "arn:aws:s3:::*-private", "arn:aws:s3:::b/?/*", "arn:aws:glue:*:*:*"]),
    min_size=1, max_size=2,
)  # fmt: skip
actions = st.lists(
    st.sampled_from(["*", "s3:*", "s3:Get*", "s3:*Object", "s3:GetObject", "s3:ListBucket", "s3:*Bucket*", "glue:*"]),
    min_size=1, max_size=2,
)  # fmt: skip
statements = st.builds(
    lambda effect, negate, action, resource: {
        "Effect": effect, ("NotAction" if negate else "Action"): action, "Resource": resource,
    },
    st.sampled_from(["Allow", "Allow", "Deny"]), st.booleans(), actions, resources,
)  # fmt: skip
layers = st.lists(st.lists(statements, min_size=1, max_size=3), min_size=1, max_size=3)


@settings(max_examples=120, deadline=None)
@given(layers, st.sampled_from(sorted(ACTIONS)))
def test_it_allows_what_the_evaluator_allows(every: list[Any], action: str) -> None:
    bound = [layer(*some, name=str(place)) for place, some in enumerate(every)]
    try:
        text = compile_policy(bound, {})
    except PackedPolicyTooLarge:
        return
    session = [Layer("session", (Source("s", parse(text)),))]
    for resource in objects if action in OBJECT_ACTIONS else buckets:
        assert decide(session, action, resource, {}).allowed == decide(bound, action, resource, {}).allowed

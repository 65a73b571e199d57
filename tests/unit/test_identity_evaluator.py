"""The policy evaluator: cases of AWS's documentation, and what holds of every set of policies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from lakelet.identity.conditions import Condition, Context
from lakelet.identity.documents import parse
from lakelet.identity.errors import MalformedPolicyDocument
from lakelet.identity.evaluator import Layer, Source, decide, trusts
from lakelet.identity.patterns import covers, intersection, matches, pattern, spelled
from lakelet.identity.principals import Principal, root

ACCOUNT = "123456789012"
TABLE = f"arn:aws:glue:us-east-1:{ACCOUNT}:table/gold/flights"


def layer(*statements: dict[str, Any], name: str = "identity-based policy", version: str = "2012-10-17") -> Layer:
    document = json.dumps({"Version": version, "Statement": list(statements)})
    return Layer(name, (Source("p", parse(document)),))


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    if "NotAction" not in elements:
        elements.setdefault("Action", "*")
    if "NotResource" not in elements:
        elements.setdefault("Resource", "*")
    return {"Effect": effect, **elements}


ALL, NONE = statement(), statement("Deny")


@pytest.mark.parametrize(
    ("statements", "action", "resource", "expected"),
    [
        ([ALL], "glue:GetTable", TABLE, "allowed"),
        ([statement(Action="s3:*")], "glue:GetTable", TABLE, "implicitDeny"),
        ([ALL, statement("Deny", Action="glue:GetTable")], "glue:GetTable", TABLE, "explicitDeny"),
        ([NONE, ALL], "a:b", "*", "explicitDeny"),
        ([statement(Action="GLUE:gettable")], "glue:GetTable", TABLE, "allowed"),  # actions mind no case
        ([statement(Action="glue:Get?able")], "glue:GetTable", TABLE, "allowed"),
        ([statement(Action=["glue:Batch*", "glue:*Table"])], "glue:GetTable", TABLE, "allowed"),
        ([statement(Action="glue:GetTable")], "glue:GetTables", TABLE, "implicitDeny"),
        ([statement(NotAction="iam:*")], "glue:GetTable", TABLE, "allowed"),
        ([statement(NotAction="iam:*")], "iam:CreateUser", "*", "implicitDeny"),
        ([ALL, statement("Deny", NotAction="glue:*")], "s3:GetObject", "*", "explicitDeny"),
        (
            [statement(Resource=TABLE.replace("gold", "GOLD"))],
            "glue:GetTable",
            TABLE,
            "implicitDeny",
        ),  # resources mind case
        ([statement(Resource="arn:aws:glue:*:*:table/gold/*")], "glue:GetTable", TABLE, "allowed"),
        ([statement(Resource="arn:aws:glue:*:*:table/silver/*")], "glue:GetTable", TABLE, "implicitDeny"),
        ([statement(NotResource="arn:aws:glue:*:*:table/gold/*")], "glue:GetTable", TABLE, "implicitDeny"),
        ([ALL, statement("Deny", NotResource=TABLE)], "glue:GetTable", TABLE, "allowed"),
        ([ALL, statement("Deny", NotResource=TABLE)], "glue:GetTable", TABLE + "2", "explicitDeny"),
        ([statement(Resource="arn:aws:s3:::home/${aws:username}/*")], "s3:Get", "arn:aws:s3:::home/ana/x", "allowed"),
        ([statement(Resource="arn:aws:s3:::home/${aws:nobody}/*")], "s3:Get", "arn:aws:s3:::home//x", "implicitDeny"),
        ([statement(Resource="arn:aws:s3:::${aws:nobody, 'pub'}/x")], "s3:Get", "arn:aws:s3:::pub/x", "allowed"),
        ([statement(Resource="arn:aws:s3:::b/${*}")], "s3:Get", "arn:aws:s3:::b/*", "allowed"),
        ([statement(Resource="arn:aws:s3:::b/${*}")], "s3:Get", "arn:aws:s3:::b/x", "implicitDeny"),
        ([statement(NotResource="arn:aws:s3:::${aws:nobody}/*")], "s3:Get", "arn:aws:s3:::b/x", "implicitDeny"),
        ([ALL, statement("Deny", NotResource="arn:aws:s3:::${aws:nobody}/*")], "s3:Get", "*", "explicitDeny"),
        ([statement(Resource="arn:aws:s3:::${aws:star}/*")], "s3:Get", "arn:aws:s3:::other/x", "implicitDeny"),
    ],
)
def test_statements(statements: list[dict[str, Any]], action: str, resource: str, expected: str) -> None:
    context = {"aws:username": ("ana",), "aws:star": ("*",)}
    assert decide([layer(*statements)], action, resource, context).verdict == expected


def test_variables_are_of_the_newer_version_only() -> None:
    old = layer(statement(Resource="arn:aws:s3:::${aws:username}"), version="2008-10-17")
    assert not decide([old], "s3:Get", "arn:aws:s3:::ana", {"aws:username": ("ana",)}).allowed
    assert decide([old], "s3:Get", "arn:aws:s3:::${aws:username}", {}).allowed


@pytest.mark.parametrize(
    ("layers", "verdict", "by"),
    [
        ([[ALL], [ALL], [ALL]], "allowed", ""),
        ([[], [ALL], [ALL]], "implicitDeny", "0"),
        ([[ALL], [], [ALL]], "implicitDeny", "1"),
        ([[ALL], [ALL], []], "implicitDeny", "2"),
        ([[ALL], [ALL], [ALL, NONE]], "explicitDeny", "2"),
        ([[], [ALL, NONE], [ALL]], "explicitDeny", "1"),
        ([], "implicitDeny", ""),
    ],
)
def test_identity_boundary_and_session_must_all_allow(layers: list[Any], verdict: str, by: str) -> None:
    made = [
        layer(*statements, name=str(place)) if statements else Layer(str(place), ())
        for place, statements in enumerate(layers)
    ]
    decision = decide(made, "glue:GetTable", TABLE, {})
    assert (decision.verdict, decision.layer) == (verdict, by)


@pytest.mark.parametrize(
    ("operator", "wanted", "sent", "expected"),
    [
        ("StringEquals", ["a", "b"], ["b"], True), ("StringEquals", "a", ["A"], False),
        ("StringEqualsIgnoreCase", "a", ["A"], True), ("StringEquals", "a*", ["ab"], False),
        ("StringLike", "a*", ["ab"], True), ("StringNotLike", "a*", ["ab"], False),
        ("StringNotEquals", ["a", "b"], ["b"], False), ("StringNotEquals", ["a", "b"], ["c"], True),
        ("StringEquals", "a", None, False), ("StringEqualsIfExists", "a", None, True),
        ("StringEqualsIfExists", "a", ["b"], False), ("StringNotEquals", "a", None, True),
        ("StringEquals", "${aws:username}", ["ana"], True), ("StringEquals", "${no:such}", ["ana"], False),
        ("NumericLessThan", "10", ["9.5"], True), ("NumericLessThan", "10", ["10"], False),
        ("NumericGreaterThanEquals", 10, ["10"], True), ("NumericEquals", "10", ["ten"], False),
        ("NumericNotEquals", "1", ["2"], True), ("NumericEquals", "1e9", ["1000000000"], False),
        ("DateLessThan", "2030-01-01T00:00:00Z", ["2029-12-31"], True), ("DateGreaterThan", "10", ["11"], True),
        ("DateEquals", "1970-01-01T00:00:10Z", ["10"], True), ("DateLessThan", "tomorrow", ["2029-12-31"], False),
        ("Bool", "true", ["True"], True), ("Bool", True, ["false"], False), ("Bool", "yes", ["yes"], False),
        ("IpAddress", "10.0.0.0/8", ["10.1.2.3"], True), ("IpAddress", "10.0.0.1", ["10.0.0.2"], False),
        ("NotIpAddress", "10.0.0.0/8", ["10.1.2.3"], False), ("IpAddress", "::1/128", ["::1"], True),
        ("IpAddress", "10.0.0.0/8", ["::1"], False), ("IpAddress", "here", ["10.0.0.1"], False),
        ("ArnLike", "arn:aws:iam::*:role/*", ["arn:aws:iam::1:role/a/b"], True),
        ("ArnEquals", "arn:aws:*:role/a", ["arn:aws:iam::1:role/a"], False),
        ("ArnNotLike", "arn:aws:iam::*:role/*", ["arn:aws:iam::1:user/a"], True),
        ("Null", "true", None, True), ("Null", "false", None, False), ("Null", "false", ["x"], True),
        ("BinaryEquals", "QUJD", ["QUJD"], True),
        ("ForAnyValue:StringEquals", ["a", "b"], ["c", "b"], True), ("ForAnyValue:StringEquals", "a", ["c"], False),
        ("ForAnyValue:StringEquals", "a", None, False), ("ForAllValues:StringEquals", ["a", "b"], ["a"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAllValues:StringEquals", "a", None, True), ("ForAllValues:StringLike", "a*", ["ab", "ac"], True),
        ("ForAnyValue:StringNotEquals", "a", ["a", "b"], True), ("ForAllValues:StringNotEquals", "a", ["b"], True),
        ("ForAllValues:StringNotEquals", "a", ["a", "b"], False),
    ],
)  # fmt: skip
def test_conditions(operator: str, wanted: Any, sent: list[str] | None, expected: bool) -> None:
    context: Context = {"aws:username": ("ana",)} | ({"t:key": tuple(sent)} if sent is not None else {})
    policy = layer(statement(Condition={operator: {"T:Key": wanted}}))
    assert decide([policy], "a:b", "*", context).allowed is expected


def test_all_conditions_must_hold() -> None:
    policy = layer(statement(Condition={"StringEquals": {"a:x": "1", "a:y": "1"}, "Bool": {"a:z": "true"}}))
    held = {"a:x": ("1",), "a:y": ("1",), "a:z": ("true",)}
    assert decide([policy], "a:b", "*", held).allowed
    for key in held:
        assert not decide([policy], "a:b", "*", {**held, key: ("0",)}).allowed


_USER_ARN, _ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:user/ana", f"arn:aws:iam::{ACCOUNT}:role/etl"
USER = Principal("user", ACCOUNT, _USER_ARN, "AIDA", "AIDA", "ana", _USER_ARN)
SESSION = Principal("role", ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/etl/s", "AROA:s", "AROA", "etl", _ROLE_ARN)


@pytest.mark.parametrize(
    ("principal", "who", "expected"),
    [
        ({"AWS": ACCOUNT}, USER, ("allowed", False)),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, USER, ("allowed", False)),
        ({"AWS": ACCOUNT}, root(ACCOUNT), ("allowed", False)),
        ({"AWS": USER.arn}, USER, ("allowed", True)),
        ({"AWS": USER.arn}, root(ACCOUNT), ("implicitDeny", False)),
        ({"AWS": [ACCOUNT, USER.arn]}, USER, ("allowed", True)),
        ("*", USER, ("allowed", True)),
        ({"AWS": SESSION.entity_arn}, SESSION, ("allowed", True)),
        ({"AWS": SESSION.arn}, SESSION, ("allowed", True)),
        ({"AWS": SESSION.entity_arn}, USER, ("implicitDeny", False)),
        ({"Service": "glue.amazonaws.com"}, USER, ("implicitDeny", False)),
        ({"AWS": "999999999999"}, USER, ("implicitDeny", False)),
    ],
)
def test_trust(principal: Any, who: Principal, expected: tuple[str, bool]) -> None:
    one = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    assert trusts(parse(json.dumps({"Statement": one}), "trust"), "sts:AssumeRole", who, {}) == expected
    never = {"Effect": "Deny", "NotPrincipal": {"AWS": SESSION.arn}, "Action": "sts:AssumeRole"}
    verdict, _ = trusts(parse(json.dumps({"Statement": [one, never]}), "trust"), "sts:AssumeRole", who, {})
    assert verdict == (expected[0] if who is SESSION else "explicitDeny")


# -- what holds of every set of policies ------------------------------------------------------------------------------

actions = st.sampled_from(["*", "glue:*", "glue:Get*", "glue:GetTable", "s3:*", "s3:Get?bject", "s3:GetObject"])
arns = st.sampled_from(["*", "arn:aws:glue:*:*:table/*", TABLE, "arn:aws:s3:::b/*", "arn:aws:s3:::${aws:username}/*"])
conditions = st.sampled_from(
    [{}, {"StringEquals": {"a:k": "1"}}, {"StringNotEqualsIfExists": {"a:k": "1"}}, {"Null": {"a:k": "true"}}]
)
statements = st.builds(
    lambda effect, negate, action, resource, condition: {
        "Effect": effect,
        ("NotAction" if negate[0] else "Action"): action,
        ("NotResource" if negate[1] else "Resource"): resource,
        "Condition": condition,
    },
    st.sampled_from(["Allow", "Deny"]),
    st.tuples(st.booleans(), st.booleans()),
    st.lists(actions, min_size=1, max_size=2),
    st.lists(arns, min_size=1, max_size=2),
    conditions,
)
requests = st.tuples(
    st.sampled_from(["glue:GetTable", "glue:DeleteTable", "s3:GetObject"]),
    st.sampled_from([TABLE, "arn:aws:s3:::b/k", "arn:aws:s3:::ana/k", "*"]),
    st.sampled_from([{}, {"a:k": ("1",)}, {"a:k": ("2",), "aws:username": ("ana",)}]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(statements, min_size=1, max_size=4), statements, requests, st.randoms())
def test_denying_more_never_allows_more(some: list[Any], more: dict[str, Any], request: Any, dice: Any) -> None:
    before = decide([layer(*some)], *request)
    denying = decide([layer(*some, {**more, "Effect": "Deny"})], *request)
    assert before.allowed or not denying.allowed
    allowing = decide([layer(*some, {**more, "Effect": "Allow"})], *request)
    assert allowing.allowed or not before.allowed
    assert allowing.verdict == "explicitDeny" or before.verdict != "explicitDeny"
    narrowed = decide([layer(*some), layer(more, name="session policy")], *request)
    assert before.allowed or not narrowed.allowed
    shuffled = dice.sample(some, len(some))
    assert decide([layer(*shuffled)], *request).verdict == before.verdict


texts = st.text("ab", max_size=6)
globs = st.text("ab*?", max_size=6)


@settings(max_examples=300, deadline=None)
@given(globs, globs, texts)
def test_patterns_meet_in_their_intersection(left: str, right: str, text: str) -> None:
    one, other = pattern(left), pattern(right)
    both = matches(one, text) and matches(other, text)
    try:
        common = intersection(one, other)
    except ValueError:  # too many wildcards: refused, never answered wrongly
        reject()
    assert any(matches(found, text) for found in common) == both
    if covers(one, other):
        assert matches(one, text) or not matches(other, text)
    assert spelled(one) == left


def test_no_pattern_takes_forever() -> None:
    assert not matches(pattern("*a" * 500 + "b"), "a" * 5000)
    with pytest.raises(ValueError, match=r"wildcards|long"):
        intersection(pattern("?*" * 30), pattern("*a" * 30))


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", "null", "1", "{}", '{"Statement":[]}', '{"Statement":[{}]}', '{"Statement":{"Effect":"Allow"}}',
        '{"Version":"2013-01-01","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
        '{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}', '{"Statement":NaN}',
        '{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}',
        '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Colour":"red"}}',
        '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"},"Colour":"red"}',
        '{"Statement":{"Effect":"Allow","Action":"*","NotAction":"a:b","Resource":"*"}}',
        '{"Statement":{"Effect":"Allow","Action":"get","Resource":"*"}}',
        '{"Statement":{"Effect":"Allow","Action":["s3:Get",1],"Resource":"*"}}',
        '{"Statement":{"Effect":"Allow","Action":[],"Resource":"*"}}',
        '{"Statement":{"Effect":"Allow","Action":"s3:Get","Resource":"bucket"}}',
        '{"Statement":{"Effect":"Allow","Action":"s3:Get"}}',
        '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}',
        '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Equal":{"a:b":"c"}}}}',
        '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a:b":[{}]}}}}',
        '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"nokey":"true"}}}}',
        '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NullIfExists":{"a:b":"true"}}}}',
        '{"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},'
        '{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]}',
        '{"Statement":' + "[" * 50_000 + "]" * 50_000 + "}", '{"Statement":' + '{"Condition":' * 5000,
        " " * 2**20,
    ],
    ids=lambda text: text[:60].strip(),
)  # fmt: skip
def test_documents_that_are_no_policy(text: str) -> None:
    with pytest.raises(MalformedPolicyDocument):
        parse(text)


def test_trust_policies_have_their_own_form() -> None:
    one = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    for wrong in (
        one | {"Resource": "*"}, one | {"Action": "s3:*"}, one | {"Principal": {"AWS": "ana"}},
        one | {"Principal": {"Dog": "x"}}, {"Effect": "Allow", "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "NotPrincipal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"},
    ):  # fmt: skip
        with pytest.raises(MalformedPolicyDocument):
            parse(json.dumps({"Statement": wrong}), "trust")


def test_conditions_say_how_they_are_written() -> None:
    (one,) = (
        parse(json.dumps({"Statement": statement(Condition={"ForAnyValue:StringLikeIfExists": {"a:b": ["c"]}})}))
        .statements[0]
        .conditions
    )
    assert one == Condition("ForAnyValue", "StringLike", True, "a:b", ("c",))
    assert one.name == "ForAnyValue:StringLikeIfExists"

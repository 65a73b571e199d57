"""Web identities through boto3: tokens of a provider of one's own, and those that the account itself gives."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lakelet.aws import context
from tests.issuer import Issuer, issuing
from tests.wire.conftest import Wire
from tests.wire.test_iam import ACCOUNT, allow, ana, client, deny, document, iam, refused  # noqa: F401
from tests.wire.test_sts import may, s3, store  # noqa: F401

ROLE = f"arn:aws:iam::{ACCOUNT}:role/web"
pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
def issuer(iam: Any) -> Iterator[Issuer]:  # noqa: F811
    """A provider that answers on 127.0.0.1; afterwards IAM has no providers."""
    with issuing() as made:
        yield made
    for one in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=one["Arn"])


@pytest.fixture
def provider(iam: Any, issuer: Issuer) -> str:  # noqa: F811
    """The ARN of that provider, registered for the audience ``app``."""
    made = iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["app"])
    return str(made["OpenIDConnectProviderArn"])


def trusting(arn: str, *actions: str, **conditions: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"Federated": arn}, "Action": [f"sts:{one}" for one in actions]}
    return document(statement | ({"Condition": conditions} if conditions else {}))


@pytest.fixture
def web(iam: Any, issuer: Issuer, provider: str) -> Any:  # noqa: F811
    """Makes the role ``web``, which trusts the provider's ``mia``, with these statements."""

    def make(
        *statements: dict[str, Any], actions: tuple[str, ...] = ("AssumeRoleWithWebIdentity",), **more: Any
    ) -> None:
        name = issuer.url.removeprefix("http://")
        trust = trusting(provider, *actions, StringEquals={f"{name}:sub": "mia", f"{name}:aud": "app"})
        iam.create_role(RoleName="web", AssumeRolePolicyDocument=trust, **more)
        if statements:
            iam.put_role_policy(RoleName="web", PolicyName="p", PolicyDocument=document(*statements))

    return make


def nobody(wire: Wire) -> Any:
    """An STS client without keys."""
    config = Config(retries={"max_attempts": 1}, proxies={}, signature_version=UNSIGNED)
    return boto3.client("sts", endpoint_url=wire.url, region_name="us-east-1", config=config)


def call(wire: Wire, token: str, **more: Any) -> Any:
    found = {"RoleArn": ROLE, "RoleSessionName": "mia-1", "WebIdentityToken": token, **more}
    return nobody(wire).assume_role_with_web_identity(**found)


def refusal(wire: Wire, token: str, **more: Any) -> tuple[str, str, int]:
    return refused(lambda: call(wire, token, **more))


def test_a_token_gets_a_session_that_signs_glue_and_s3(
    wire: Wire,
    store: str,  # noqa: F811
    web: Any,
    issuer: Issuer,
    provider: str,
) -> None:
    web(
        allow("glue:GetDatabases", Condition={"StringEquals": {"aws:FederatedProvider": provider}}),
        allow("s3:GetObject", f"arn:aws:s3:::lake/${{{issuer.url.removeprefix('http://')}:aud}}/*"),
        allow("s3:GetObject", "arn:aws:s3:::lake/open/*"),
    )
    made = call(wire, issuer.token())
    assert made["SubjectFromWebIdentityToken"] == "mia" and made["Audience"] == "app" and made["Provider"] == provider
    assert made["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/web/mia-1"
    assert made["SessionTokenSize"] == len(made["Credentials"]["SessionToken"])
    keys = made["Credentials"]
    assert client(wire, "sts", keys).get_caller_identity()["Arn"] == made["AssumedRoleUser"]["Arn"]
    assert client(wire, "glue", keys).get_databases()
    assert refused(client(wire, "glue", keys).get_jobs)[0] == "AccessDeniedException"
    assert may(s3(store, keys).get_object, Bucket="lake", Key="open/a")
    assert not may(s3(store, keys).get_object, Bucket="lake", Key="shut/a")


def test_what_cannot_be_believed(wire: Wire, web: Any, issuer: Issuer, iam: Any, provider: str) -> None:  # noqa: F811
    web()
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = int(time.time())
    for token in (
        "none",
        "a.b.c",
        "e30.e30.",
        issuer.token(signed_by=other),
        issuer.token(key="another"),
        issuer.token(aud="somebody"),
        issuer.token(azp="somebody"),
        issuer.token(sub=None),
        issuer.token(exp=None),
        issuer.token(nbf=now + 600),
        issuer.token(iss="http://127.0.0.1:1"),
        issuer.token(iss="http://example.org"),
        issuer.token(iss=""),
        issuer.token(signed_by="secret" * 8, algorithm="HS256"),
        jwt.encode(
            {"iss": issuer.url, "aud": "app", "sub": "mia", "exp": now + 60, "iat": now}, None, algorithm="none"
        ),
        issuer.token(**{"https://aws.amazon.com/tags": {"principal_tags": "x"}}),
    ):
        code, said, status = refusal(wire, token)
        assert (code, status) == ("InvalidIdentityToken", 400), (token, said)
    assert refusal(wire, issuer.token(exp=now - 60))[0::2] == ("ExpiredTokenException", 400)
    code, said, status = refusal(wire, issuer.token(), ProviderId="www.amazon.com")
    assert code == "InvalidIdentityToken" and "www.amazon.com" in said
    assert refusal(wire, issuer.token(sub="eve"))[0::2] == ("AccessDenied", 403)
    assert refusal(wire, issuer.token(), RoleArn=ROLE + "-none") == (
        "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403,
    )  # fmt: skip
    assert refusal(wire, issuer.token(), DurationSeconds=7200)[0] == "ValidationError"
    assert refusal(wire, issuer.token(), Policy="{")[0] == "MalformedPolicyDocument"
    assert call(wire, issuer.token())
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    code, said, _ = refusal(wire, issuer.token())
    assert code == "InvalidIdentityToken" and "No OpenIDConnect provider found" in said


def test_a_provider_that_does_not_answer(wire: Wire, web: Any, issuer: Issuer, iam: Any) -> None:  # noqa: F811
    web()
    issuer.answers["/keys"] = b"no json"
    code, said, status = refusal(wire, issuer.token())
    assert (code, status) == ("IDPCommunicationError", 400) and "/keys" in said
    del issuer.answers["/keys"]
    issuer.answers["/.well-known/openid-configuration"] = {"issuer": "https://example.org", "jwks_uri": "file:///x"}
    assert refusal(wire, issuer.token())[0] == "InvalidIdentityToken"
    gone = "http://127.0.0.1:9"
    iam.create_open_id_connect_provider(Url=gone, ClientIDList=["app"])
    assert refusal(wire, issuer.token(iss=gone))[0] == "IDPCommunicationError"


def test_a_provider_changes_its_keys(wire: Wire, web: Any, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    web()
    assert call(wire, issuer.token())
    issuer.keys = {"two": another_key(), "one": issuer.keys["one"]}
    fresh = issuer.token(key="two", signed_by=issuer.keys["two"])
    monkeypatch.setattr("lakelet.identity.federation.oidc.REFETCH_SECONDS", 0)
    assert call(wire, fresh)


def another_key() -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_tags_and_source_identity_of_a_token(wire: Wire, web: Any, issuer: Issuer, iam: Any) -> None:  # noqa: F811
    web(
        allow("glue:GetDatabases", Condition={"StringEquals": {"aws:PrincipalTag/team": "lake"}}),
        allow("glue:GetJobs", Condition={"StringEquals": {"aws:SourceIdentity": "mia-t"}}),
    )
    tags = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["lake"]}, "transitive_tag_keys": ["team"]}}
    source = {"https://aws.amazon.com/source_identity": "mia-t"}
    assert refusal(wire, issuer.token(**tags))[1] == "Not authorized to perform sts:TagSession"
    assert refusal(wire, issuer.token(**source))[1] == "Not authorized to perform sts:SetSourceIdentity"
    name = issuer.url.removeprefix("http://")
    actions = ("AssumeRoleWithWebIdentity", "TagSession", "SetSourceIdentity")
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{name}"
    iam.update_assume_role_policy(RoleName="web", PolicyDocument=trusting(provider, *actions))
    made = call(wire, issuer.token(**tags, **source))
    assert made["SourceIdentity"] == "mia-t"
    glue = client(wire, "glue", made["Credentials"])
    assert glue.get_databases() and glue.get_jobs()
    plain = client(wire, "glue", call(wire, issuer.token())["Credentials"])
    assert refused(plain.get_databases)[0] == refused(plain.get_jobs)[0] == "AccessDeniedException"


def test_a_deny_for_the_provider(wire: Wire, web: Any, issuer: Issuer, iam: Any, provider: str) -> None:  # noqa: F811
    web()
    action = "sts:AssumeRoleWithWebIdentity"
    open_to_all = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": action}
    but = {"Effect": "Deny", "Principal": {"Federated": provider}, "Action": action}
    name = issuer.url.removeprefix("http://")
    shut = document(open_to_all, but | {"Condition": {"StringNotEquals": {f"{name}:sub": "ben"}}})
    iam.update_assume_role_policy(RoleName="web", PolicyDocument=shut)
    assert refusal(wire, issuer.token())[0] == "AccessDenied"
    assert call(wire, issuer.token(sub="ben"))
    others = document(open_to_all | {"Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/x"}})
    iam.update_assume_role_policy(RoleName="web", PolicyDocument=others)
    assert refusal(wire, issuer.token())[0] == "AccessDenied"


def test_providers(iam: Any, issuer: Issuer) -> None:  # noqa: F811
    made = iam.create_open_id_connect_provider(
        Url="https://idp.example.org/realm/",
        ClientIDList=["a"],
        ThumbprintList=["f" * 40],
        Tags=[{"Key": "a", "Value": "1"}],
    )
    arn = made["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:oidc-provider/idp.example.org/realm"
    assert refused(iam.create_open_id_connect_provider, Url="https://idp.example.org/realm")[0] == "EntityAlreadyExists"
    for url in ("http://idp.example.org", "ftp://127.0.0.1", "https://", "https://a/?b", "https://h:x/", "idp"):
        assert refused(iam.create_open_id_connect_provider, Url=url)[0::2] == ("InvalidInput", 400), url
    named = {"OpenIDConnectProviderArn": arn}
    iam.add_client_id_to_open_id_connect_provider(**named, ClientID="b")
    iam.remove_client_id_from_open_id_connect_provider(**named, ClientID="a")
    iam.update_open_id_connect_provider_thumbprint(**named, ThumbprintList=["e" * 40])
    iam.tag_open_id_connect_provider(**named, Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_open_id_connect_provider(**named, TagKeys=["A"])
    found = iam.get_open_id_connect_provider(**named)
    assert (found["Url"], found["ClientIDList"], found["ThumbprintList"]) == (
        "idp.example.org/realm", ["b"], ["e" * 40],
    )  # fmt: skip
    assert found["Tags"] == iam.list_open_id_connect_provider_tags(**named)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    assert refused(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn + "x")[0] == "NoSuchEntity"
    odd = {"ContextProvider": {"SubjectSourceKey": "sub"}}
    assert refused(iam.create_open_id_connect_provider, Url="https://b", **odd)[0] == "NotImplemented"


@pytest.fixture
def vending(iam: Any) -> Iterator[str]:  # noqa: F811
    """Outbound federation enabled; its issuer."""
    yield iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    with contextlib.suppress(iam.exceptions.FeatureDisabledException):
        iam.disable_outbound_web_identity_federation()


@pytest.mark.parametrize("algorithm", ["RS256", "ES384"])
def test_a_token_of_the_account_is_verified_by_its_published_keys(
    wire: Wire,
    vending: str,
    ana: Any,  # noqa: F811
    iam: Any,  # noqa: F811
    algorithm: str,
) -> None:
    sts = client(wire, "sts", ana)
    asked = {"Audience": ["https://api.example.org"], "SigningAlgorithm": algorithm}
    assert refused(sts.get_web_identity_token, **asked)[0] == "AccessDenied"
    only = allow("sts:GetWebIdentityToken", Condition={"StringEquals": {"sts:SigningAlgorithm": algorithm}})
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document(only))
    made = sts.get_web_identity_token(**asked, DurationSeconds=120)
    key = jwt.PyJWKClient(f"{vending}/.well-known/jwks.json").get_signing_key_from_jwt(made["WebIdentityToken"])
    claims = jwt.decode(
        made["WebIdentityToken"], key.key, algorithms=[algorithm], audience="https://api.example.org", issuer=vending
    )
    user = f"arn:aws:iam::{ACCOUNT}:user/team/ana"
    assert claims["sub"] == user and claims["exp"] - claims["iat"] == 120
    assert claims["https://sts.amazonaws.com/"]["principal_tags"] == {"Team": "lake"}
    tagged = {**asked, "Tags": [{"Key": "job", "Value": "1"}]}
    assert "sts:TagGetWebIdentityToken" in refused(sts.get_web_identity_token, **tagged)[1]
    more = document(only, allow("sts:TagGetWebIdentityToken"))
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=more)
    token = sts.get_web_identity_token(**tagged)["WebIdentityToken"]
    told = jwt.decode(token, key.key, algorithms=[algorithm], audience="https://api.example.org")
    assert told["https://sts.amazonaws.com/"]["request_tags"] == {"job": "1"}


def test_what_tokens_of_the_account_are_not(wire: Wire, vending: str, iam: Any, issuer: Issuer) -> None:  # noqa: F811
    sts = wire.client("sts")
    asked: dict[str, Any] = {"Audience": ["app"], "SigningAlgorithm": "RS256"}
    assert refused(iam.enable_outbound_web_identity_federation)[0::2] == ("FeatureEnabled", 409)
    assert iam.get_outbound_web_identity_federation_info() | {"ResponseMetadata": 0} == {
        "IssuerIdentifier": vending, "JwtVendingEnabled": True, "ResponseMetadata": 0,
    }  # fmt: skip
    for odd in ({"SigningAlgorithm": "HS256"}, {"SubjectMode": "OriginIdentity"}, {"Scope": "read"}):
        assert refused(sts.get_web_identity_token, **(asked | odd))[0] == "ValidationError", odd
    many = [{"Key": f"k{n}", "Value": "v" * 256} for n in range(50)]
    assert refused(sts.get_web_identity_token, **asked, Tags=many + many[:1])[0] == "ValidationError"
    session = client(wire, "sts", sts.get_session_token(DurationSeconds=900)["Credentials"])
    assert refused(session.get_web_identity_token, **asked)[0] == "AccessDenied"
    token = sts.get_web_identity_token(**asked)["WebIdentityToken"]
    iam.create_open_id_connect_provider(Url=vending, ClientIDList=["app"])
    code, said, _ = refusal(wire, token)
    assert code == "InvalidIdentityToken" and "outside of AWS" in said  # as on AWS
    iam.disable_outbound_web_identity_federation()
    assert refused(sts.get_web_identity_token, **asked)[0::2] == ("OutboundWebIdentityFederationDisabledException", 403)
    assert refused(iam.disable_outbound_web_identity_federation)[0::2] == ("FeatureDisabled", 404)
    assert refused(iam.get_outbound_web_identity_federation_info)[0] == "FeatureDisabled"


def test_a_token_does_not_outlive_the_session_that_asks(wire: Wire, vending: str, web: Any, issuer: Issuer) -> None:
    web(allow("sts:GetWebIdentityToken"))
    session = client(wire, "sts", call(wire, issuer.token(), DurationSeconds=900)["Credentials"])
    asked = {"Audience": ["app", "b"], "SigningAlgorithm": "ES384"}
    assert (
        refused(session.get_web_identity_token, **asked, DurationSeconds=3600)[0]
        == "SessionDurationEscalationException"
    )
    token = session.get_web_identity_token(**asked)["WebIdentityToken"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["sub"] == ROLE and claims["aud"] == ["app", "b"]
    assert claims["https://sts.amazonaws.com/"]["federated_provider"].endswith(issuer.url.removeprefix("http://"))


def test_an_elliptic_key(wire: Wire, web: Any, issuer: Issuer) -> None:
    web()
    key = ec.generate_private_key(ec.SECP256R1())
    public = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())), "kid": "ec"}
    issuer.answers["/keys"] = {"keys": [public]}
    assert call(wire, issuer.token(key="ec", signed_by=key, algorithm="ES256"))


def test_sdks_find_the_role_by_a_token_file(
    wire: Wire, web: Any, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web(allow("glue:GetDatabases"))
    (tmp_path / "token").write_text(issuer.token())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_ROLE_ARN": ROLE,
        "AWS_ENDPOINT_URL": wire.url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    assert "DatabaseList" in boto3.Session().client("glue").get_databases()
    command = [
        Path(sys.executable).with_name("aws"),
        "sts",
        "get-caller-identity",
        "--query",
        "Arn",
        "--output",
        "text",
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/web/")


def test_unsigned_requests_get_nothing_else(wire: Wire) -> None:
    assert refused(nobody(wire).get_caller_identity)[0] == "MissingAuthenticationToken"
    assert context.caller().kind == "root"  # outside of a request

"""AssumeRoleWithSAML through boto3: responses that a provider of the test's own signs."""

from __future__ import annotations

import base64
import datetime
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner

from tests.wire.conftest import Wire
from tests.wire.test_iam import ACCOUNT, allow, client, document, iam, refused  # noqa: F401
from tests.wire.test_sts import may, s3, store  # noqa: F401
from tests.wire.test_web_identity import nobody

ROLE = f"arn:aws:iam::{ACCOUNT}:role/saml"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"
ENTITY = "https://idp.example.org/entity"
AWS = "https://signin.aws.amazon.com/saml"
ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
pytestmark = pytest.mark.usefixtures("store")
_ids = itertools.count()


class Provider:
    """A key, its certificate, and what they sign."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
        now = datetime.datetime.now(datetime.UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )

    def metadata(self, **attributes: str) -> str:
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        more = "".join(f' {name}="{value}"' for name, value in attributes.items())
        return (
            f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ENTITY}"{more}>'
            '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>'
            f"<X509Certificate>{base64.b64encode(der).decode()}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
            '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" '
            f'Location="https://idp.example.org/sso"/></IDPSSODescriptor></EntityDescriptor><!-- {"x" * 300} -->'
        )

    def sign(self, element: Any) -> Any:
        pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        private = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return XMLSigner(c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#").sign(  # type: ignore[arg-type]
            element, key=private, cert=pem.decode(), reference_uri=element.get("ID")
        )

    def response(self, sign: str = "assertion", **more: Any) -> str:
        """A response in Base64; ``sign`` says what of it is signed, ``more`` what is another than usual."""
        root = etree.fromstring(xml(**more))
        assertion = root.find("{*}Assertion")
        if sign == "assertion":
            root.replace(assertion, self.sign(assertion))
        elif sign == "response":
            root = self.sign(root)
        return base64.b64encode(etree.tostring(root)).decode()


def moment(seconds: float) -> str:
    found = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return found.strftime("%Y-%m-%dT%H:%M:%SZ")


def xml(
    issuer: str = ENTITY,
    recipient: str = AWS,
    audience: str = AWS,
    issued: float = 0,
    ends: float = 300,
    status: str = "Success",
    session_ends: float = 3600,
    role: str = f"{ROLE},{PROVIDER}",
    **attributes: str,
) -> str:
    known = {"Role": role, "RoleSessionName": "mia", **attributes}
    statements = "".join(
        f'<saml:Attribute Name="{name if name.startswith("urn:") else ATTRIBUTES + name}">'
        f"<saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>"
        for name, value in known.items()
        if value
    )
    return (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
        f'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="r{next(_ids)}" Version="2.0" '
        f'IssueInstant="{moment(issued)}"><saml:Issuer>{issuer}</saml:Issuer>'
        f'<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status>'
        f'<saml:Assertion ID="a{next(_ids)}" Version="2.0" IssueInstant="{moment(issued)}">'
        f"<saml:Issuer>{issuer}</saml:Issuer><saml:Subject>"
        '<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">mia@example.org</saml:NameID>'
        '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        f'<saml:SubjectConfirmationData NotOnOrAfter="{moment(ends)}" Recipient="{recipient}"/>'
        f'</saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{moment(-600)}" '
        f'NotOnOrAfter="{moment(ends)}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience>'
        "</saml:AudienceRestriction></saml:Conditions>"
        f'<saml:AuthnStatement AuthnInstant="{moment(issued)}" SessionNotOnOrAfter="{moment(session_ends)}"/>'
        f"<saml:AttributeStatement>{statements}</saml:AttributeStatement></saml:Assertion></samlp:Response>"
    )


@pytest.fixture(scope="module")
def idp() -> Provider:
    return Provider()


@pytest.fixture
def saml(iam: Any, idp: Provider) -> Iterator[Any]:  # noqa: F811
    """Registers the provider and makes the role ``saml`` that trusts it, with these statements."""
    iam.create_saml_provider(Name="idp", SAMLMetadataDocument=idp.metadata())

    def make(*statements: dict[str, Any], actions: tuple[str, ...] = (), **conditions: Any) -> None:
        trust: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": ["sts:AssumeRoleWithSAML", *(f"sts:{one}" for one in actions)],
            "Condition": conditions or {"StringEquals": {"saml:aud": AWS, "saml:iss": ENTITY}},
        }
        iam.create_role(RoleName="saml", AssumeRolePolicyDocument=document(trust))
        if statements:
            iam.put_role_policy(RoleName="saml", PolicyName="p", PolicyDocument=document(*statements))

    yield make
    for one in iam.list_saml_providers()["SAMLProviderList"]:
        iam.delete_saml_provider(SAMLProviderArn=one["Arn"])


def call(wire: Wire, response: str, **more: Any) -> Any:
    found = {"RoleArn": ROLE, "PrincipalArn": PROVIDER, "SAMLAssertion": response, **more}
    return nobody(wire).assume_role_with_saml(**found)


def refusal(wire: Wire, response: str, **more: Any) -> tuple[str, str, int]:
    return refused(lambda: call(wire, response, **more))


@pytest.mark.parametrize("sign", ["assertion", "response"])
def test_a_response_gets_a_session_that_signs_glue_and_s3(
    wire: Wire,
    store: str,  # noqa: F811
    saml: Any,
    idp: Provider,
    sign: str,
) -> None:
    who = {"StringEquals": {"saml:sub": "mia@example.org", "saml:edupersonaffiliation": "staff"}}
    saml(
        allow("glue:GetDatabases", Condition=who),
        allow("s3:GetObject", "arn:aws:s3:::lake/open/*", Condition={"StringEquals": {"saml:sub_type": "persistent"}}),
        allow("s3:GetObject", "arn:aws:s3:::lake/shut/*", Condition={"StringEquals": {"saml:sub": "eve"}}),
    )
    made = call(wire, idp.response(sign, **{"urn:oid:1.3.6.1.4.1.5923.1.1.1.1": "staff"}))
    assert (made["Subject"], made["SubjectType"]) == ("mia@example.org", "persistent")
    assert (made["Issuer"], made["Audience"]) == (ENTITY, AWS)
    assert made["NameQualifier"] and made["AssumedRoleUser"]["Arn"].endswith("assumed-role/saml/mia")
    keys = made["Credentials"]
    assert client(wire, "glue", keys).get_databases()
    assert refused(client(wire, "glue", keys).get_jobs)[0] == "AccessDeniedException"
    assert may(s3(store, keys).get_object, Bucket="lake", Key="open/a")
    assert not may(s3(store, keys).get_object, Bucket="lake", Key="shut/a")


def test_what_cannot_be_believed(wire: Wire, saml: Any, idp: Provider) -> None:
    saml()
    signed = base64.b64decode(idp.response())
    forged = signed.replace(b"mia@example.org", b"eve@example.org")
    inner = signed[signed.index(b"<saml:Assertion") : signed.index(b"</samlp:Response>")]
    evil = inner.replace(b"mia@example.org", b"eve@example.org").replace(b' ID="a', b' ID="b')
    wrapped = signed.replace(inner, evil + inner)
    hidden = signed.replace(
        b"</samlp:Response>", b"<samlp:Extensions>" + evil + b"</samlp:Extensions></samlp:Response>"
    )
    entity = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + signed
    comment = signed.replace(b"mia@example.org", b"mia@<!-- x -->example.org")
    for odd in (
        "AAAA",
        "not base64!",
        base64.b64encode(b"<a/>").decode(),
        idp.response(sign="nothing"),
        Provider().response(),
        idp.response(issuer="https://other.example.org"),
        idp.response(recipient="https://other.example.org/saml"),
        idp.response(audience="https://other.example.org/saml"),
        idp.response(issued=600),
        idp.response(RoleSessionName=""),
        idp.response(RoleSessionName="a b"),
        idp.response(role=""),
        idp.response(SessionDuration="1"),
        *(base64.b64encode(one).decode() for one in (forged, wrapped, hidden, entity)),
    ):
        code, said, status = refusal(wire, odd)
        assert (code, status) == ("InvalidIdentityToken", 400), (odd[:60], said)
    assert call(wire, base64.b64encode(comment).decode())["Subject"] == "mia@example.org"
    assert refusal(wire, idp.response(issued=-400))[0::2] == ("ExpiredTokenException", 400)
    assert refusal(wire, idp.response(ends=-1))[0] == "ExpiredTokenException"
    assert refusal(wire, idp.response(status="Requester"))[0::2] == ("IDPRejectedClaim", 403)
    assert refusal(wire, idp.response(role=f"{ROLE}x,{PROVIDER}"))[0::2] == ("AccessDenied", 403)
    assert refusal(wire, idp.response(), PrincipalArn=PROVIDER + "x")[0] == "InvalidIdentityToken"
    assert refusal(wire, idp.response(SourceIdentity="mia"))[1] == "Not authorized to perform sts:SetSourceIdentity"
    assert refusal(wire, idp.response(), DurationSeconds=7200)[0] == "ValidationError"


def test_how_long_and_for_whom(wire: Wire, saml: Any, idp: Provider, iam: Any) -> None:  # noqa: F811
    saml(
        allow("glue:GetDatabases", Condition={"StringEquals": {"aws:PrincipalTag/team": "lake"}}),
        actions=("TagSession", "SetSourceIdentity"),
    )
    tags = {"PrincipalTag:team": "lake", "TransitiveTagKeys": "team", "SourceIdentity": "mia-s"}
    made = call(wire, idp.response(role=f" {PROVIDER} , {ROLE} ", SessionDuration="1800", **tags))
    now = datetime.datetime.now(datetime.UTC)
    assert made["SourceIdentity"] == "mia-s" and client(wire, "glue", made["Credentials"]).get_databases()
    assert 1700 < (made["Credentials"]["Expiration"] - now).total_seconds() <= 1800
    made = call(wire, idp.response(session_ends=1000), DurationSeconds=3600)
    assert 900 < (made["Credentials"]["Expiration"] - now).total_seconds() <= 1001
    own = f"{wire.url}/saml"
    assert refusal(wire, idp.response(recipient=own))[0] == "AccessDenied"  # the role wants AWS's
    iam.update_assume_role_policy(
        RoleName="saml",
        PolicyDocument=document(
            {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithSAML",
             "Condition": {"StringEquals": {"saml:aud": own, "saml:doc": f"{ACCOUNT}/idp"}}}
        ),
    )  # fmt: skip
    assert call(wire, idp.response(recipient=own, audience="urn:amazon:webservices"))["Audience"] == own


def test_providers(wire: Wire, saml: Any, idp: Provider, iam: Any) -> None:  # noqa: F811
    named = {"SAMLProviderArn": PROVIDER}
    again = {"Name": "idp", "SAMLMetadataDocument": idp.metadata()}
    assert refused(iam.create_saml_provider, **again)[0] == "EntityAlreadyExists"
    for odd in ("x" * 1000, idp.metadata().replace("EntityDescriptor", "Entity"),
                idp.metadata().replace("IDPSSODescriptor", "SPSSODescriptor"),
                idp.metadata().replace("X509Certificate>M", "X509Certificate>A"),
                "<!DOCTYPE x>" + idp.metadata(), idp.metadata(validUntil="soon")):  # fmt: skip
        assert refused(iam.create_saml_provider, Name="b", SAMLMetadataDocument=odd)[0::2] == ("InvalidInput", 400)
    assert refused(iam.update_saml_provider, **named, SAMLMetadataDocument="x" * 1000)[0] == "InvalidInput"
    iam.tag_saml_provider(**named, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.untag_saml_provider(**named, TagKeys=["A"])
    assert iam.list_saml_provider_tags(**named)["Tags"] == [{"Key": "b", "Value": "2"}]
    found = iam.get_saml_provider(**named)
    assert found["SAMLMetadataDocument"] == idp.metadata() and "ValidUntil" not in found
    saml()
    other = Provider()
    assert refusal(wire, other.response())[0] == "InvalidIdentityToken"
    iam.update_saml_provider(**named, SAMLMetadataDocument=other.metadata(validUntil=moment(600)))
    assert call(wire, other.response()) and refusal(wire, idp.response())[0] == "InvalidIdentityToken"
    assert iam.list_saml_providers()["SAMLProviderList"][0]["ValidUntil"] > datetime.datetime.now(datetime.UTC)
    iam.update_saml_provider(**named, SAMLMetadataDocument=other.metadata(validUntil=moment(-1)))
    assert "validUntil" in refusal(wire, other.response())[1]
    odd = {"AssertionEncryptionMode": "Allowed"}
    assert (
        refused(iam.create_saml_provider, Name="c", SAMLMetadataDocument=idp.metadata(), **odd)[0] == "NotImplemented"
    )
    iam.delete_saml_provider(**named)
    assert refused(iam.get_saml_provider, **named)[0::2] == ("NoSuchEntity", 404)
    assert refusal(wire, other.response())[0] == "InvalidIdentityToken"

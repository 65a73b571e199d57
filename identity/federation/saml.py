"""SAML: a provider's metadata, and its responses, believed when a certificate of the metadata signed them.

Source: AWS IAM User Guide, "SAML 2.0 federation" and "Configure SAML assertions for the authentication response"; OASIS
SAML 2.0 core. Only what a signature covers is read (what signxml gives back), and encrypted assertions are not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from lxml import etree
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from lakelet.identity.errors import ExpiredIdentityToken, IDPRejectedClaim, InvalidIdentityToken, InvalidInput

SAML, PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:assertion}", "{urn:oasis:names:tc:SAML:2.0:protocol}"
METADATA, SIGNATURE = "{urn:oasis:names:tc:SAML:2.0:metadata}", "{http://www.w3.org/2000/09/xmldsig#}"
AWS = "https://aws.amazon.com/SAML/Attributes/"
REDEEM_SECONDS = 300  # how old a response may be
SKEW_SECONDS = 60  # how much a provider's clock may be ahead
_NAME_FORMATS = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_SIGN_IN = re.compile(r"https://([a-z0-9-]+\.)?signin\.aws\.amazon\.com/saml(/acs/[A-Z0-9]+)?")
_PERSON = (
    "affiliation", "nickname", "orgdn", "orgunitdn", "primaryaffiliation", "principalname", "entitlement",
    "primaryorgunitdn", "scopedaffiliation", "targetedid", "assurance",
)  # fmt: skip
# Condition keys of attributes, by the attributes' names.
_KEYS = {f"urn:oid:1.3.6.1.4.1.5923.1.1.1.{number}": f"saml:eduperson{name}" for number, name in enumerate(_PERSON, 1)}
_KEYS |= {
    "urn:oid:2.5.4.3": "saml:cn", "urn:oid:2.5.4.4": "saml:surname", "urn:oid:2.5.4.41": "saml:name",
    "urn:oid:2.5.4.42": "saml:givenname", "urn:oid:2.5.4.45": "saml:x500uniqueidentifier",
    "urn:oid:0.9.2342.19200300.100.1.1": "saml:uid", "urn:oid:0.9.2342.19200300.100.1.3": "saml:mail",
}  # fmt: skip


@dataclass(frozen=True)
class Metadata:
    """Who a provider is (its entity id), the certificates that it signs with (DER in Base64), and until when."""

    entity_id: str
    certificates: tuple[str, ...]
    valid_until: float | None


@dataclass(frozen=True)
class SamlIdentity:
    """What a response says, once it is believed. ``roles`` are pairs of a role's and a provider's ARN, ``ends_at`` is
    in Unix seconds, ``keys`` are condition keys in lower case."""

    subject: str
    subject_type: str
    issuer: str
    recipient: str
    name_qualifier: str
    roles: frozenset[frozenset[str]]
    session_name: str
    duration: int | None
    ends_at: float | None
    source_identity: str | None
    tags: tuple[tuple[str, str], ...]
    transitive: tuple[str, ...]
    keys: dict[str, tuple[str, ...]]


def read_metadata(document: str) -> Metadata:
    """A metadata document of an identity provider; InvalidInput that says what it lacks."""
    try:
        root = _parse(document.encode())
    except ValueError as error:
        raise InvalidInput(f"Could not parse metadata: {error}") from None
    if root.tag != f"{METADATA}EntityDescriptor" or not root.get("entityID"):
        raise InvalidInput("Could not parse metadata: its root must be an EntityDescriptor with an entityID.")
    path = f"{METADATA}IDPSSODescriptor/{METADATA}KeyDescriptor"
    signing = [key for key in root.findall(path) if key.get("use", "signing") == "signing"]
    texts = [found.text or "" for key in signing for found in key.iter(f"{SIGNATURE}X509Certificate")]
    certificates = tuple(dict.fromkeys("".join(text.split()) for text in texts))
    if not certificates:
        raise InvalidInput("Could not parse metadata: no IDPSSODescriptor has a certificate to verify signatures with.")
    for certificate in certificates:
        try:
            _certificate(certificate)
        except ValueError as error:
            raise InvalidInput(f"Could not parse metadata: a certificate cannot be read ({error}).") from None
    try:
        return Metadata(str(root.get("entityID")), certificates, _moment(root.get("validUntil")))
    except InvalidIdentityToken as error:
        raise InvalidInput(f"Could not parse metadata: {error}") from None


def verify(response: str, metadata: Metadata, account: str, provider_name: str, own: str) -> SamlIdentity:
    """What a response (in Base64) says, when its provider signed it, for AWS or for this endpoint, and it is not over.

    ``own`` is the address that stands for AWS's sign-in page here. Raises InvalidIdentityToken, ExpiredIdentityToken,
    IDPRejectedClaim.
    """
    now = time.time()
    if metadata.valid_until is not None and metadata.valid_until <= now:
        raise InvalidIdentityToken("The provider's metadata is past its validUntil: update the SAML provider.")
    try:
        root = _parse(base64.b64decode("".join(response.split()), validate=True))
    except (ValueError, binascii.Error):
        raise InvalidIdentityToken("Invalid base64 SAMLResponse, or no XML in it.") from None
    if root.tag != f"{PROTOCOL}Response":
        raise InvalidIdentityToken("Your request included an invalid SAML response: its root is no Response.")
    status = root.find(f"{PROTOCOL}Status/{PROTOCOL}StatusCode")
    if status is None or status.get("Value") != _SUCCESS:
        raise IDPRejectedClaim(f"The identity provider answered {None if status is None else status.get('Value')}.")
    assertion = _signed_assertion(root, metadata)
    issuer = _text(assertion.find(f"{SAML}Issuer"))
    if issuer != metadata.entity_id:
        raise InvalidIdentityToken("Issuer not present in specified provider")
    if (issued := _moment(assertion.get("IssueInstant"))) is None or issued > now + SKEW_SECONDS:
        raise InvalidIdentityToken("The assertion's IssueInstant is missing, or it is yet to come.")
    if issued < now - REDEEM_SECONDS:
        raise ExpiredIdentityToken("Token must be redeemed within 5 minutes of issuance")
    _check_conditions(assertion, now, own)
    recipient = _recipient(assertion, now, own)
    return _identity(assertion, issuer, recipient, account, provider_name)


def _parse(document: bytes) -> Any:
    """The root of an XML document; ValueError for what is none, or has a document type."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)[:200]) from None
    if root.getroottree().docinfo.doctype:
        raise ValueError("a document type is not taken")
    return root


def _certificate(text: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode(text, validate=True))


def _signed_assertion(root: Any, metadata: Metadata) -> Any:
    """The one assertion, as the signature covers it: the response's own signature, or the assertion's."""
    assertions = root.findall(f"{SAML}Assertion")
    if root.find(f"{SAML}EncryptedAssertion") is not None:
        raise InvalidIdentityToken("Encrypted assertions are not read here: have the provider sign and not encrypt.")
    if len(assertions) != 1 or len(list(root.iter(f"{SAML}Assertion"))) != 1:
        raise InvalidIdentityToken("A SAML response must hold one assertion.")
    whole = root.find(f"{SIGNATURE}Signature") is not None
    if not whole and assertions[0].find(f"{SIGNATURE}Signature") is None:
        raise InvalidIdentityToken("Response signature invalid: neither the response nor its assertion is signed.")
    location = "./" if whole else f"./{SAML}Assertion/"
    signed = _verified(root, metadata.certificates, location)
    if signed.tag != (root.tag if whole else f"{SAML}Assertion"):
        raise InvalidIdentityToken("Response signature invalid: it covers something else.")
    found = signed.find(f"{SAML}Assertion") if whole else signed
    if found is None:
        raise InvalidIdentityToken("Response signature invalid: it covers no assertion.")
    return found


def _verified(root: Any, certificates: Iterable[str], location: str) -> Any:
    why = ""
    for certificate in certificates:
        expected = SignatureConfiguration(location=location, ignore_ambiguous_key_info=True)
        try:
            result = XMLVerifier().verify(root, x509_cert=_certificate(certificate), expect_config=expected)
        except (SignXMLException, ValueError, TypeError, KeyError, AttributeError, etree.LxmlError) as error:
            why = f"{type(error).__name__}: {error}"
            continue
        if not isinstance(result, list) and result.signed_xml is not None:
            return result.signed_xml
    raise InvalidIdentityToken(f"Response signature invalid: {why[:200]}")


def _check_conditions(assertion: Any, now: float, own: str) -> None:
    for conditions in assertion.findall(f"{SAML}Conditions"):
        _check_times(conditions, now)
        for restriction in conditions.findall(f"{SAML}AudienceRestriction"):
            audiences = {_text(one) for one in restriction.findall(f"{SAML}Audience")}
            if not any(one == "urn:amazon:webservices" or _is_for_us(one, own) for one in audiences):
                raise InvalidIdentityToken("The assertion's Audience is neither AWS nor this endpoint.")


def _recipient(assertion: Any, now: float, own: str) -> str:
    """To whom a bearer may show the assertion: AWS, or this endpoint."""
    for confirmation in assertion.findall(f"{SAML}Subject/{SAML}SubjectConfirmation"):
        data = confirmation.find(f"{SAML}SubjectConfirmationData")
        if confirmation.get("Method") == _BEARER and data is not None:
            recipient = str(data.get("Recipient"))
            if _is_for_us(recipient, own):
                _check_times(data, now)
                return recipient
    raise InvalidIdentityToken("No SubjectConfirmationData of the assertion has AWS's or this endpoint's Recipient.")


def _check_times(element: Any, now: float) -> None:
    begins, ends = _moment(element.get("NotBefore")), _moment(element.get("NotOnOrAfter"))
    if ends is not None and ends <= now:
        raise ExpiredIdentityToken("The assertion is past its NotOnOrAfter.")
    if begins is not None and begins > now + SKEW_SECONDS:
        raise InvalidIdentityToken("The assertion is not good yet (NotBefore).")


def _is_for_us(address: str, own: str) -> bool:
    return address == own or _SIGN_IN.fullmatch(address) is not None


def _identity(assertion: Any, issuer: str, recipient: str, account: str, provider_name: str) -> SamlIdentity:
    attributes: dict[str, list[str]] = {}
    for one in assertion.iterfind(f"{SAML}AttributeStatement/{SAML}Attribute"):
        values = [_text(value) for value in one.findall(f"{SAML}AttributeValue")]
        attributes.setdefault(str(one.get("Name")), []).extend(values)
    name = assertion.find(f"{SAML}Subject/{SAML}NameID")
    if name is None or not _text(name):
        raise InvalidIdentityToken("The assertion's Subject has no NameID.")
    subject_type = str(name.get("Format", "")).removeprefix(_NAME_FORMATS)
    qualifier = _qualifier(issuer, account, provider_name)
    keys = {
        "saml:aud": (recipient,),
        "saml:iss": (issuer,),
        "saml:sub": (_text(name),),
        "saml:sub_type": (subject_type,),
        "saml:doc": (f"{account}/{provider_name}",),
        "saml:namequalifier": (qualifier,),
        **{key: tuple(attributes[attribute]) for attribute, key in _KEYS.items() if attributes.get(attribute)},
    }
    session_name = _only(attributes, f"{AWS}RoleSessionName")
    if session_name is None or not re.fullmatch(r"[\w+=,.@-]{2,64}", session_name):
        raise InvalidIdentityToken("RoleSessionName is required in AuthnResponse, of 2 to 64 characters.")
    if f"{AWS}Role" not in attributes:
        raise InvalidIdentityToken("Role is required in AuthnResponse: pairs of a role's and this provider's ARN.")
    ends = [_moment(one.get("SessionNotOnOrAfter")) for one in assertion.findall(f"{SAML}AuthnStatement")]
    tags = tuple(
        (attribute.removeprefix(f"{AWS}PrincipalTag:"), values[0])
        for attribute, values in attributes.items()
        if attribute.startswith(f"{AWS}PrincipalTag:") and values
    )
    return SamlIdentity(
        _text(name),
        subject_type,
        issuer,
        recipient,
        qualifier,
        frozenset(frozenset(part.strip() for part in value.split(",")) for value in attributes[f"{AWS}Role"]),
        session_name,
        _duration(_only(attributes, f"{AWS}SessionDuration")),
        min((end for end in ends if end is not None), default=None),
        _only(attributes, f"{AWS}SourceIdentity"),
        tags,
        tuple(attributes.get(f"{AWS}TransitiveTagKeys", ())),
        keys,
    )


def _qualifier(issuer: str, account: str, provider_name: str) -> str:
    digest = hashlib.sha1(f"{issuer}{account}/{provider_name}".encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def _duration(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{3,5}", text) or not 900 <= int(text) <= 43_200:
        raise InvalidIdentityToken("The assertion's SessionDuration is not between 900 and 43200 seconds.")
    return int(text)


def _only(attributes: Mapping[str, list[str]], name: str) -> str | None:
    values = attributes.get(name)
    return values[0] if values else None


def _text(element: Any) -> str:
    return "".join(element.itertext()).strip() if element is not None else ""


def _moment(text: str | None) -> float | None:
    """A moment of XML Schema's form, in Unix seconds; None when there is none. InvalidIdentityToken."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise InvalidIdentityToken(f"{text[:50]!r} is no moment.") from None

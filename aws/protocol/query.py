"""AWS Query: parameters are flat form fields, answers are XML.

Source: Smithy 2.0, "AWS query protocol".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import OperationModel, ServiceModel, Shape

from lakelet.aws.errors import AuthenticationError, SerializationException
from lakelet.aws.protocol.faults import described
from lakelet.aws.protocol.http import Request, Response
from lakelet.aws.protocol.values import scalar_from_text, scalar_to_text, wire_name
from lakelet.workspace.errors import NotImplementedException, ServiceError

MAX_FIELDS = 10_000
# What the protocol's services call the common errors (AWS STS API Reference, Common Errors).
_CODES = {
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "IncompleteSignatureException": "IncompleteSignature",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ExpiredTokenException": "ExpiredToken",
    "AccessDeniedException": "AccessDenied",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "UnknownOperationException": "InvalidAction",
    "ValidationException": "ValidationError",
    "SerializationException": "MalformedInput",
    "InternalServiceException": "InternalFailure",
    "NotImplementedException": "NotImplemented",
}

Fields = Mapping[str, str]


def operation_name(request: Request) -> tuple[str, str]:
    """``(API version, action)`` that the request names."""
    sent = fields(request)
    return sent.get("Version", ""), sent.get("Action", "")


def fields(request: Request) -> dict[str, str]:
    """The form fields of a request, from body and query; raises SerializationException."""
    try:
        body = parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        return dict(body) | dict(parse_qsl(request.query, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise SerializationException(f"The form fields cannot be read: {error}.") from error


def parse(operation: OperationModel, request: Request) -> dict[str, Any]:
    """The parameters of a request; raises SerializationException, NotImplementedException for an unknown field."""
    sent = fields(request)
    unread = sent.keys() - {"Action", "Version"}
    found = _read(operation.input_shape, sent, "", unread) if operation.input_shape else None
    if unread:
        raise NotImplementedException(f"{operation.name} does not take {', '.join(sorted(unread))[:300]}.")
    return found or {}


def serialize(operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:
    """The answer to a request that succeeded."""
    shape = operation.output_shape
    inner = _write_members(shape, result) if shape else ""
    wrapper = shape.serialization.get("resultWrapper") if shape else None
    if wrapper:
        inner = f"<{wrapper}>{inner}</{wrapper}>"
    inner += f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    namespace = operation.service_model.metadata.get("xmlNamespace", "")
    return _xml(200, f'<{operation.name}Response xmlns="{namespace}">{inner}</{operation.name}Response>')


def serialize_error(
    error: ServiceError, request: Request, request_id: str, model: ServiceModel | None = None
) -> Response:
    """The answer to a request that failed."""
    code, status = described(error, model)
    if isinstance(error, AuthenticationError):
        status = error.status  # of the credentials: the model's error of that name is an identity token's
    side, code = "Receiver" if status >= 500 else "Sender", _CODES.get(type(error).__name__, code)
    detail = f"<Type>{side}</Type><Code>{escape(code)}</Code><Message>{_clean(str(error))}</Message>"
    inner = f"<Error>{detail}</Error><RequestId>{request_id}</RequestId>"
    namespace = f' xmlns="{model.metadata.get("xmlNamespace", "")}"' if model is not None else ""
    return _xml(status, f"<ErrorResponse{namespace}>{inner}</ErrorResponse>")


def _read(shape: Shape, sent: Fields, prefix: str, unread: set[str]) -> Any:
    """Rebuild one shape from the fields that start with ``prefix``; None when nothing was sent for it."""
    match shape.type_name:
        case "structure":
            found = {}
            for name, member in shape.members.items():
                path = f"{prefix}.{_field_name(name, member)}".lstrip(".")
                if not any(key == path or key.startswith(f"{path}.") for key in unread):
                    continue  # also ends the recursion of recursive shapes
                value = _read(member, sent, path, unread)
                if value is not None:
                    found[name] = value
            return found or None
        case "list":
            base = prefix if shape.serialization.get("flattened") else f"{prefix}.{wire_name('member', shape.member)}"
            items: list[Any] = []
            while (item := _read(shape.member, sent, f"{base}.{len(items) + 1}", unread)) is not None:
                items.append(item)
            if not items and sent.get(prefix) == "":
                unread.discard(prefix)
                return []
            return items or None
        case "map":
            base = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
            key_name, value_name = wire_name("key", shape.key), wire_name("value", shape.value)
            entries: dict[str, Any] = {}
            while (key := sent.get(f"{base}.{len(entries) + 1}.{key_name}")) is not None and key not in entries:
                at = f"{base}.{len(entries) + 1}"
                unread.discard(f"{at}.{key_name}")
                entries[key] = _read(shape.value, sent, f"{at}.{value_name}", unread)
            return entries or None
        case _:
            unread.discard(prefix)
            return scalar_from_text(shape, sent[prefix]) if prefix in sent else None


def _field_name(name: str, member: Shape) -> str:
    if member.serialization.get("flattened") and member.type_name == "list":
        return wire_name(wire_name(name, member), member.member)
    return wire_name(name, member)


def _write(shape: Shape, value: Any, tag: str) -> str:
    match shape.type_name:
        case "structure":
            return f"<{tag}>{_write_members(shape, value)}</{tag}>"
        case "list" if shape.serialization.get("flattened"):
            return "".join(_write(shape.member, item, tag) for item in value)
        case "list":
            return (
                f"<{tag}>{''.join(_write(shape.member, i, wire_name('member', shape.member)) for i in value)}</{tag}>"
            )
        case "map":
            key_name, value_name = wire_name("key", shape.key), wire_name("value", shape.value)
            rows = (
                f"<entry>{_write(shape.key, k, key_name)}{_write(shape.value, v, value_name)}</entry>"
                for k, v in value.items()
            )
            return f"<{tag}>{''.join(rows)}</{tag}>"
        case _:
            return f"<{tag}>{_clean(scalar_to_text(shape, value))}</{tag}>"


def _write_members(shape: Shape, value: Mapping[str, Any]) -> str:
    return "".join(
        _write(member, value[name], wire_name(name, member))
        for name, member in shape.members.items()
        if value.get(name) is not None
    )


def _clean(value: str) -> str:
    """Text as XML 1.0 may hold it: control characters have no place there, not even escaped."""
    return escape("".join(char if char >= " " or char in "\t\n\r" else "\N{REPLACEMENT CHARACTER}" for char in value))


def _xml(status: int, document: str) -> Response:
    return Response(status, {"content-type": "text/xml"}, document.encode(errors="replace"))

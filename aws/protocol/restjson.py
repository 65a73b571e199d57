"""REST-JSON: the operation is a method and a path; members travel in path, query, headers and a JSON body.

Source: Smithy 2.0, "AWS restJson1 protocol" and "HTTP binding traits".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
from botocore.model import OperationModel, ServiceModel, Shape

from lakelet.aws.errors import SerializationException
from lakelet.aws.protocol.faults import described
from lakelet.aws.protocol.http import Request, Response
from lakelet.aws.protocol.values import decode, encode, scalar_from_text, scalar_to_text, text, wire_name
from lakelet.workspace.errors import NotImplementedException, ServiceError
from lakelet.workspace.quick_json import dumps

MAX_FIELDS = 10_000
_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")


@cache
def _routes(model: ServiceModel) -> list[tuple[str, re.Pattern[str], dict[str, str], str]]:
    """Every ``(method, pattern of the raw path, fixed query, operation)``, the most specific first."""
    table = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        table.append((http["method"], _pattern(path), dict(parse_qsl(query, keep_blank_values=True)), name))
    return sorted(table, key=lambda row: (row[1].groups, -len(row[2]), -len(row[1].pattern)))


def _pattern(path: str) -> re.Pattern[str]:
    parts, end = [], 0
    for label in _LABEL.finditer(path):
        parts += [re.escape(path[end : label.start()]), "(.+)" if label[2] else "([^/]+)"]
        end = label.end()
    return re.compile("".join(parts) + re.escape(path[end:].rstrip("/")) + "/?")


def operation_name(model: ServiceModel, request: Request) -> str | None:
    """The operation that a request's method, raw path and query name; None when the service has none there."""
    sent: dict[str, str] = {}
    for method, pattern, fixed, name in _routes(model):
        if method == request.method and pattern.fullmatch(request.path):
            sent = sent or dict(_query(request))
            if all(sent.get(key) == value for key, value in fixed.items()):
                return name
    return None


def parse(operation: OperationModel, request: Request) -> dict[str, Any]:
    """The parameters of a request.

    Raises SerializationException for what does not fit the model, NotImplementedException for an unknown member.
    """
    shape = operation.input_shape
    fields = _query(request)
    found: dict[str, Any] = {}
    if shape is not None:
        labels = _labels(operation, request)
        for name, member in shape.members.items():
            value = _located(name, member, request, labels, fields)
            if value is not None:
                found[name] = value
        found |= _body(shape, request)
    if strangers := _strange_fields(operation, fields):
        raise NotImplementedException(f"{operation.name} does not take {', '.join(strangers)[:300]}.")
    return found


def serialize(operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:
    """The answer to a request that succeeded."""
    headers = {"content-type": "application/json"}
    shape = operation.output_shape
    status = int(operation.http.get("responseCode", 200))
    if shape is None:
        return Response(status, headers, b"" if status == 204 else b"{}")
    for name, member in shape.members.items():
        if result.get(name) is None:
            continue
        match member.serialization.get("location"):
            case "header":
                headers[wire_name(name, member)] = scalar_to_text(member, result[name], "rfc822")
            case "headers":
                headers |= {wire_name(name, member) + key: str(value) for key, value in result[name].items()}
            case "statusCode":
                status = int(result[name])
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name in ("blob", "string"):
        value = result.get(payload) or b""
        return Response(status, headers, value if isinstance(value, bytes) else value.encode())
    if payload:
        body = encode(shape.members[payload], result.get(payload) or {})
    else:
        body = encode(shape, {name: result[name] for name in _in_body(shape) if name in result})
    return Response(status, headers, b"" if status == 204 else dumps(body))


def serialize_error(
    error: ServiceError, request: Request, request_id: str, model: ServiceModel | None = None
) -> Response:
    """The answer to a request that failed, from which SDKs make the exception of that name."""
    code, status = described(error, model)
    body = {"__type": code, "message": str(error), "Message": str(error)}
    headers = {"content-type": "application/json", "x-amzn-errortype": code}
    return Response(status, headers, dumps(body))


def _query(request: Request) -> list[tuple[str, str]]:
    try:
        return parse_qsl(request.query, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise SerializationException(f"The query string cannot be read: {error}.") from error


def _labels(operation: OperationModel, request: Request) -> dict[str, str]:
    path = operation.http["requestUri"].partition("?")[0]
    match = _pattern(path).fullmatch(request.path)
    values = match.groups() if match else ()
    names = [label[1] for label in _LABEL.finditer(path)]
    try:
        return dict(zip(names, (unquote(value, errors="strict") for value in values), strict=True))
    except ValueError as error:
        raise SerializationException(f"The path cannot be read: {error}.") from error


def _located(
    name: str, member: Shape, request: Request, labels: Mapping[str, str], fields: list[tuple[str, str]]
) -> Any:
    """A member that travels outside the body; None when it was not sent, or travels in the body."""
    key = wire_name(name, member)
    match member.serialization.get("location"):
        case "uri":
            return scalar_from_text(member, labels[key])
        case "header" if key.lower() in request.headers:
            return scalar_from_text(member, request.headers[key.lower()])
        case "headers":
            prefix = key.lower()
            sent = {k[len(prefix) :]: text(v) for k, v in request.headers.items() if k.startswith(prefix)}
            return sent or None
        case "querystring" if member.type_name == "map":
            return _query_map(member, fields) or None
        case "querystring":
            values = [value for field, value in fields if field == key]
            if member.type_name == "list":
                return [scalar_from_text(member.member, value) for value in values] or None
            return scalar_from_text(member, values[-1]) if values else None
    return None


def _query_map(member: Shape, fields: list[tuple[str, str]]) -> dict[str, Any]:
    if member.value.type_name != "list":
        return {field: scalar_from_text(member.value, value) for field, value in fields}
    found: dict[str, Any] = {}
    for field, value in fields:
        found.setdefault(field, []).append(scalar_from_text(member.value.member, value))
    return found


def _body(shape: Shape, request: Request) -> dict[str, Any]:
    """The members that travel in the body."""
    payload = shape.serialization.get("payload")
    if payload:
        member = shape.members[payload]
        if member.type_name == "blob":
            return {payload: request.body} if request.body else {}
        if member.type_name == "string":
            return {payload: _utf8(request.body)} if request.body else {}
        return {payload: decode(member, _json(request.body))} if request.body else {}
    if not request.body:
        return {}
    body = _json(request.body)
    elsewhere = {wire_name(name, member) for name, member in shape.members.items()}
    elsewhere -= {wire_name(name, shape.members[name]) for name in _in_body(shape)}
    if isinstance(body, dict) and (strangers := sorted(elsewhere & body.keys())):
        raise NotImplementedException(f"{shape.name} has no member {', '.join(map(repr, strangers))} in its body.")
    found: dict[str, Any] = decode(shape, body)
    return found


def _in_body(shape: Shape) -> Iterator[str]:
    return (name for name, member in shape.members.items() if "location" not in member.serialization)


def _strange_fields(operation: OperationModel, fields: list[tuple[str, str]]) -> list[str]:
    known = {name for name, _ in parse_qsl(operation.http["requestUri"].partition("?")[2], keep_blank_values=True)}
    members = operation.input_shape.members if operation.input_shape else {}
    for name, member in members.items():
        if member.serialization.get("location") == "querystring":
            if member.type_name == "map":
                return []
            known.add(wire_name(name, member))
    return sorted({name for name, _ in fields} - known)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except (ValueError, RecursionError) as error:
        raise SerializationException(f"The body is not valid JSON: {error}") from error


def _utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise SerializationException("The body is not valid UTF-8.") from None

"""The HTTP application: routes of our own first, then the AWS wire on every other path."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from botocore.model import OperationModel
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from aws import context
from aws.auth import Verifier
from aws.errors import RequestEntityTooLargeException, SerializationException, UnknownOperationException
from aws.operations import Service
from aws.protocol import awsjson, query
from aws.protocol.http import Request, Response
from workspace.errors import (
    InternalServiceException,
    InvalidInputException,
    LakeletError,
    NotImplementedException,
    ServiceError,
    ServiceUnavailableException,
    StackError,
)

MAX_BODY = 16 * 1024 * 1024  # bytes; a BatchCreatePartition of 100 wide partitions takes well under one MiB

log = logging.getLogger("lakelet.aws")


class _Protocol(Protocol):
    """What each module of ``aws.protocol`` offers."""

    def operation_name(self, request: Request) -> tuple[str, str]: ...
    def parse(self, operation: OperationModel, request: Request) -> dict[str, object]: ...
    def serialize(self, operation: OperationModel, result: dict[str, object], request_id: str) -> Response: ...
    def serialize_error(self, error: ServiceError, request: Request, request_id: str) -> Response: ...


def create_app(services: Sequence[Service], routes: Sequence[BaseRoute] = ()) -> Starlette:
    """The application that serves ``routes``, and ``services`` on every other path.

    ``aws.context.use`` must have been called before the first request.
    """
    return Starlette(routes=[*routes, Route("/{path:path}", Wire(services))])


class Wire:
    """The AWS endpoint, an ASGI application."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = {_address(service): service for service in services}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http = HttpRequest(scope, receive)
        request_id = str(uuid.uuid4())
        try:
            request = await _read(http)
            response = await run_in_threadpool(self.answer, request, request_id)
        except ClientDisconnect:
            return
        except ServiceError as error:
            response = awsjson.serialize_error(error, Request(http.method, "/"), request_id)
        body = b"" if http.method == "HEAD" else response.body
        headers = {**response.headers, "content-length": str(len(body)), "x-amzn-RequestId": request_id}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    def answer(self, request: Request, request_id: str) -> Response:
        """Serve one request: find its operation, check its signature, read it, call it, write the answer."""
        protocol = _protocol(request)
        try:
            return self._answer(protocol, request, request_id)
        except ServiceError as error:
            if error.status >= 500 and not isinstance(error, (NotImplementedException, ServiceUnavailableException)):
                log.exception("request %s failed", request_id)
            return protocol.serialize_error(error, request, request_id)
        except RecursionError:
            deep = SerializationException("The request is nested too deeply.")
            return protocol.serialize_error(deep, request, request_id)
        except StackError as error:
            return protocol.serialize_error(ServiceUnavailableException(str(error)), request, request_id)
        except LakeletError as error:
            return protocol.serialize_error(InvalidInputException(str(error)), request, request_id)
        except Exception:
            log.exception("request %s failed", request_id)
            hidden = InternalServiceException(
                f"The request failed inside Lakelet; `lakelet logs control` tells why (request id {request_id})."
            )
            return protocol.serialize_error(hidden, request, request_id)

    def _answer(self, protocol: _Protocol, request: Request, request_id: str) -> Response:
        if request.path != "/":
            raise UnknownOperationException(f"Nothing is served at {request.path[:200]!r}: AWS requests go to '/'.")
        address, name = protocol.operation_name(request)
        service = self._services.get(address)
        _verifier(context.current().workspace).verify(request, service.model.signing_name if service else None)
        if service is None:
            raise NotImplementedException(f"No service is served under {address[:200]!r} (operation {name[:200]!r}).")
        operation = service.operation(name)
        if operation is None:
            raise UnknownOperationException(f"{service.model.metadata['serviceId']} has no operation {name[:200]!r}.")
        result = operation.call(protocol.parse(operation.model, request))
        return protocol.serialize(operation.model, result, request_id)


_verifier = lru_cache(maxsize=1)(Verifier)  # a process serves one workspace


def _address(service: Service) -> str:
    """What requests name the service by: the target prefix of AWS JSON, the API version of AWS Query."""
    if service.model.resolved_protocol == "json":
        return str(service.model.metadata["targetPrefix"])
    if service.model.resolved_protocol == "query":
        return str(service.model.api_version)
    raise TypeError(f"{service.name} speaks {service.model.resolved_protocol}, which the wire does not.")


def _protocol(request: Request) -> _Protocol:
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if "x-amz-target" not in request.headers and (form or "Action=" in request.query):
        return query
    return awsjson


async def _read(http: HttpRequest) -> Request:
    body = bytearray()
    async for chunk in http.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise RequestEntityTooLargeException(f"The body is larger than {MAX_BODY // 2**20} MiB.")
    headers: dict[str, str] = {}
    for name, value in http.headers.raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    path = http.scope.get("raw_path") or http.scope["path"].encode()
    return Request(
        http.method, path.decode("latin-1"), http.scope["query_string"].decode("latin-1"), headers, bytes(body)
    )

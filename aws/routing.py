"""Which protocol a request speaks, and which operation of which service it calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from botocore.model import OperationModel, ServiceModel

from lakelet.aws.directory import Directory, protocols
from lakelet.aws.operations import Service
from lakelet.aws.protocol import awsjson, query, restjson, rpcv2cbor
from lakelet.aws.protocol.http import Request, Response
from lakelet.workspace.errors import ServiceError


class ErrorWriter(Protocol):
    """A protocol of which nothing but its errors is served."""

    def serialize_error(
        self, error: ServiceError, request: Request, request_id: str, model: ServiceModel | None = None
    ) -> Response: ...


class WireProtocol(ErrorWriter, Protocol):
    """What each module of ``lakelet.aws.protocol`` that is a protocol offers."""

    def parse(self, operation: OperationModel, request: Request) -> dict[str, object]: ...
    def serialize(self, operation: OperationModel, result: dict[str, object], request_id: str) -> Response: ...


@dataclass(frozen=True)
class Call:
    """What a request asks for: an operation by name, and the service, or None when there is none at ``address``."""

    service: Service | None
    address: str
    operation: str


def protocol_of(request: Request) -> WireProtocol:
    """The protocol that a request's headers and path show."""
    if "x-amz-target" in request.headers:
        return awsjson
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return rpcv2cbor
    if request.path != "/":
        return restjson
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return query if form or "Action=" in request.query else awsjson


def route(protocol: WireProtocol, request: Request, directory: Directory, signing_name: str) -> Call:
    """Find what a request calls; ``signing_name`` is the service that its signature is scoped to.

    REST-JSON has nothing but the path to tell services apart, so there the signature's service decides.
    """
    if protocol is restjson:
        candidates = [service for service in directory.signed_as(signing_name) if "rest-json" in protocols(service)]
        for service in candidates:
            if name := restjson.operation_name(service.model, request):
                return Call(service, signing_name, name)
        return Call(candidates[0] if candidates else None, signing_name, f"{request.method} {request.path}")
    if protocol is rpcv2cbor:
        address, name = rpcv2cbor.operation_name(request)
        return Call(directory.find("smithy-rpc-v2-cbor", address, signing_name), address, name)
    if protocol is query:
        address, name = query.operation_name(request)
        return Call(directory.find("query", address, signing_name), address, name)
    address, name = awsjson.operation_name(request)
    return Call(directory.find("json", address, signing_name), address, name)

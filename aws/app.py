"""The HTTP application: routes of our own first, S3 on to the object store, the AWS wire on every other path."""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from botocore.model import ServiceModel
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from lakelet.aws import context, discovery
from lakelet.aws.auth import Verifier, is_signed, read_signature, without_signature
from lakelet.aws.authorisation import UNSIGNED, authorise, keys_of
from lakelet.aws.bodies import MAX_BODY, SMALL_BODY, UNSIGNED_BODY, Body, Buffers, declared_size
from lakelet.aws.directory import Directory
from lakelet.aws.errors import SerializationException, UnknownOperationException
from lakelet.aws.operations import Operation, Service
from lakelet.aws.protocol import ec2, query
from lakelet.aws.protocol.http import Request, Response
from lakelet.aws.routing import Call, ErrorWriter, WireProtocol, protocol_of, route
from lakelet.aws.s3 import S3Proxy, is_s3
from lakelet.aws.unserved import find_unserved
from lakelet.identity import messages
from lakelet.identity.principals import anonymous
from lakelet.workspace import disk
from lakelet.workspace.errors import (
    AccessDeniedException,
    InternalServiceException,
    InvalidInputException,
    LakeletError,
    NotImplementedException,
    ServiceError,
    ServiceUnavailableException,
    StackError,
    ValidationException,
)
from lakelet.workspace.state import WouldWaitError, without_waiting

QUICK_BODY = 4096  # bytes that are read in no time
THREADS = 40  # requests that are served at once; the others wait
OWN_PREFIXES = ("/_lakelet/", "/.well-known/")
READS = ("Get", "List", "Simulate")  # what IAM's operations begin with that change nothing
# Glue's operations of whose bad arguments the API Reference says InvalidInputException.
REGISTRY_OPERATION = re.compile("Registr|Schema")
MAX_NAME = 100  # characters of a signing name that could be a service's
XML_ERRORS: Mapping[str, ErrorWriter] = {"rest-xml": query, "ec2": ec2}  # protocols of services that are not served
MESSAGE_HEADER = "x-amzn-encoded-authorization-message"  # of a refusal; AWS's own services have it in the sentence

log = logging.getLogger("lakelet.aws")


def create_app(services: Sequence[Service] | Directory, routes: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The application that serves ``routes`` (all under ``/_lakelet``), the account's keys as an identity provider
    (``/.well-known``), S3, and ``services`` on every other path.

    ``lakelet.aws.context.use`` must have been called before the first request.
    """
    own = Starlette(routes=[*routes, *discovery.routes()])
    s3, wire = S3Proxy(_s3_endpoint, _s3_refusal), Wire(services)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Not one more Starlette route: its layers would cost a GetTable a tenth of its time.
        if scope["type"] != "http" or scope["path"].startswith(OWN_PREFIXES):
            await own(scope, receive, send)
        elif is_s3(scope):
            await s3(scope, receive, send)
        else:
            await wire(scope, receive, send)

    return app


def _s3_endpoint() -> str:
    return context.current().workspace.endpoint("s3")


def _s3_refusal(access_key_id: str) -> str | None:
    """Why a key cannot sign S3, when the object store cannot enforce its user's policies."""
    keys = context.current().object_keys
    return keys.refusal(access_key_id) if keys is not None else None


class Wire:
    """The AWS endpoint, an ASGI application."""

    def __init__(self, services: Sequence[Service] | Directory) -> None:
        self._directory = services if isinstance(services, Directory) else Directory.of(services)
        # Not the framework's own pool: what that does around a call takes as long as looking a table up.
        self._threads = ThreadPoolExecutor(THREADS, "wire")
        self._buffers = Buffers()
        self._at_once: set[str] = set()  # X-Amz-Targets of operations that are marked so, as they are first served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = str(uuid.uuid4())
        request, body = _head(scope), Body(self._buffers)
        loop = asyncio.get_running_loop()
        try:
            most = MAX_BODY
            if (size := declared_size(request)) is None or size > SMALL_BODY:
                most = await loop.run_in_executor(self._threads, _most_of, request)
            request = await body.read(request, receive, most)
            response = self._looked_up(request, request_id)
            if response is None:
                response = await loop.run_in_executor(self._threads, self.answer, request, request_id)
        except ClientDisconnect:
            return
        except ServiceError as error:
            response = protocol_of(request).serialize_error(error, request, request_id)
        finally:
            body.release()
        headers = {**response.headers, "content-length": str(len(response.body)), "x-amzn-requestid": request_id}
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else response.body})

    def _looked_up(self, request: Request, request_id: str) -> Response | None:
        """The answer to a request that is :func:`~lakelet.aws.operations.at_once`, made here and now, unless it has to
        wait.

        To hand it to a thread and back takes longer than to serve it.
        """
        if len(request.body) > QUICK_BODY or request.headers.get("x-amz-target") not in self._at_once:
            return None
        try:
            with without_waiting():
                return self.answer(request, request_id)
        except WouldWaitError:
            return None

    def answer(self, request: Request, request_id: str) -> Response:
        """Serve one request: find its operation, check its signature, read it, call it, write the answer."""
        exchange = _Exchange(self._directory, protocol_of(request), request, request_id)
        try:
            response = exchange.run()
            if exchange.at_once and "x-amz-target" in request.headers:
                self._at_once.add(request.headers["x-amz-target"])
            return response
        except WouldWaitError:
            raise
        except ServiceError as error:
            if error.status >= 500 and not isinstance(error, (NotImplementedException, ServiceUnavailableException)):
                log.exception("request %s failed", request_id)
            fault: ServiceError = error
        except RecursionError:
            fault = SerializationException("The request is nested too deeply.")
        except StackError as error:
            fault = ServiceUnavailableException(str(error))
        except LakeletError as error:
            fault = InvalidInputException(str(error))
        except Exception as error:
            log.exception("request %s failed", request_id)
            state = context.current().workspace.state
            fault = InternalServiceException(
                disk.message_of(error, state)
                or f"The request failed inside Lakelet; `lakelet logs control` tells why (request id {request_id})."
            )
        response = exchange.errors.serialize_error(fault, request, request_id, exchange.model)
        if isinstance(fault, AccessDeniedException) and fault.details is not None:
            message = messages.encode(context.current().workspace, fault.details)
            response = replace(response, headers={**response.headers, MESSAGE_HEADER: message})
        return response


class _Exchange:
    """One request on its way to an answer. ``errors`` writes those; ``model`` is its service's and ``at_once``
    its operation's, once these are known."""

    def __init__(self, directory: Directory, protocol: WireProtocol, request: Request, request_id: str) -> None:
        self._directory = directory
        self._protocol = protocol
        self.errors: ErrorWriter = protocol
        self._request = request
        self._request_id = request_id
        self.model: ServiceModel | None = None
        self.at_once = False

    def run(self) -> Response:
        request, protocol = self._request, self._protocol
        if (response := self._unsigned()) is not None:
            return response
        claim = read_signature(request)
        call = route(protocol, request, self._directory, claim.service)
        self.model = call.service.model if call.service else None
        current = context.current()
        verifier = Verifier(current.region, current.credential)
        credential = verifier.verify(request, claim, self.model.signing_name if self.model else None)
        if call.service is None or self.model is None:
            raise self._unserved(claim.service, call)
        operation = call.service.operation(call.operation)
        if operation is None:
            raise UnknownOperationException(
                f"{self.model.metadata['serviceId']} has no operation {call.operation[:200]!r}."
            )
        self.at_once = operation.at_once
        parameters = protocol.parse(operation.model, without_signature(request) if claim.presigned else request)
        current.identity.used(credential, claim.service, claim.region)
        keys = keys_of(request, claim.region)
        with context.acting_as(credential.principal, keys, credential.expires_at, claim.region):
            authorise(credential.principal, self.model.signing_name, operation.model.name, parameters)
            result = _called(operation, parameters)
        if self.model.signing_name == "iam" and not operation.model.name.startswith(READS):
            current.iam_changed(operation.model.name, _user_of(parameters))
        return protocol.serialize(operation.model, result, self._request_id)

    def _unserved(self, signing_name: str, call: Call) -> ServiceError:
        served = self._directory.signed_as(signing_name)
        if served or len(signing_name) > MAX_NAME or (service := find_unserved(signing_name)) is None:
            return NotImplementedException(
                f"No service is served under {call.address[:200]!r} (operation {call.operation[:200]!r})."
            )
        if service.protocol in XML_ERRORS:
            self.errors = XML_ERRORS[service.protocol]
        return service.refusal(context.current().workspace)

    def _unsigned(self) -> Response | None:
        """The answer to a request that needs no signature, because what it brings is the proof; None for others."""
        request, protocol = self._request, self._protocol
        if protocol is not query or query.operation_name(request)[1] not in UNSIGNED or is_signed(request):
            return None
        call = route(protocol, request, self._directory, "sts")
        if call.service is None or (operation := call.service.operation(call.operation)) is None:
            return None
        self.model = call.service.model
        parameters = protocol.parse(operation.model, request)
        with context.acting_as(anonymous(context.current().account_id), keys_of(request, context.current().region)):
            return query.serialize(operation.model, operation.call(parameters), self._request_id)


def _called(operation: Operation, parameters: dict[str, object]) -> dict[str, object]:
    try:
        return operation.call(parameters)
    except ValidationException as error:
        if REGISTRY_OPERATION.search(operation.model.name) and operation.model.service_model.service_name == "glue":
            raise InvalidInputException(str(error)) from None
        raise


def _most_of(head: Request) -> int:
    """How many bytes a large body may have, told by the head alone: whose signature could hold, or none is needed.

    Raises AuthenticationError.
    """
    if not is_signed(head):
        if protocol_of(head) is not query:
            read_signature(head)  # which says what is missing
        return UNSIGNED_BODY
    claim, current = read_signature(head), context.current()
    try:
        Verifier(current.region, current.credential).check_head(claim)
    except ServiceError:
        raise
    except Exception as error:  # of the database
        log.exception("a request was not read")
        raise InternalServiceException(
            "The request failed inside Lakelet; `lakelet logs control` tells why."
        ) from error
    return MAX_BODY


def _user_of(parameters: Mapping[str, object]) -> str | None:
    name = parameters.get("UserName")
    return name if isinstance(name, str) else None


def _head(scope: Scope) -> Request:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    path = scope.get("raw_path") or scope["path"].encode()
    return Request(scope["method"], path.decode("latin-1"), scope["query_string"].decode("latin-1"), headers)

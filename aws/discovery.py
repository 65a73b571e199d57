"""What OpenID Connect clients ask an issuer for: the account's keys, while outbound web identity federation is enabled.

Source: OpenID Connect Discovery 1.0; IAM API Reference, EnableOutboundWebIdentityFederation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lakelet.aws.context import current
from lakelet.identity.errors import FeatureDisabled
from lakelet.identity.federation import outbound
from lakelet.workspace.state import reading


def routes() -> list[BaseRoute]:
    """``/.well-known/openid-configuration`` and ``/.well-known/jwks.json``; 404 while it is disabled."""
    return [
        Route("/.well-known/openid-configuration", _answering(_configuration)),
        Route("/.well-known/jwks.json", _answering(_keys)),
    ]


def _configuration() -> dict[str, Any]:
    _keys()
    issuer = current().issuer
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(outbound.ALGORITHMS),
    }


def _keys() -> dict[str, Any]:
    with reading(current().engine) as connection:
        return outbound.published_keys(connection)


def _answering(found: Callable[[], dict[str, Any]]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(found))
        except FeatureDisabled as error:
            return JSONResponse({"error": str(error)}, 404)

    return answer

"""Outbound web identity federation: whether GetWebIdentityToken gives tokens (IAM API Reference)."""

from __future__ import annotations

from typing import Any

from lakelet.aws.context import current
from lakelet.identity.errors import FeatureDisabled
from lakelet.identity.federation import outbound
from lakelet.workspace.state import reading, writing


def enable_outbound_web_identity_federation() -> dict[str, Any]:
    """Let the account's principals have tokens; the issuer is the endpoint's address. FeatureEnabled."""
    context = current()
    with writing(context.engine) as connection:
        outbound.enable(connection)
    return {"IssuerIdentifier": context.issuer}


def disable_outbound_web_identity_federation() -> None:
    """Give no more tokens, and publish no keys; FeatureDisabled."""
    with writing(current().engine) as connection:
        outbound.disable(connection)


def get_outbound_web_identity_federation_info() -> dict[str, Any]:
    """The issuer; FeatureDisabled."""
    context = current()
    with reading(context.engine) as connection:
        if not outbound.is_enabled(connection):
            raise FeatureDisabled("Outbound web identity federation is not enabled for this account.")
    return {"IssuerIdentifier": context.issuer, "JwtVendingEnabled": True}

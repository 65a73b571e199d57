"""The account at a glance (IAM API Reference, GetAccountSummary)."""

from __future__ import annotations

from typing import Any

from lakelet.aws.context import current
from lakelet.aws.services.iam._answers import INLINE_SIZES, MANAGED_SIZE, TRUST_SIZE
from lakelet.identity import store
from lakelet.identity.federation import store as providers_store
from lakelet.identity.mfa import store as mfa
from lakelet.workspace.state import reading


def get_account_summary() -> dict[str, Any]:
    """How many users, groups, roles and policies there are, and how many there may be."""
    with reading(current().engine) as connection:
        devices = mfa.listed(connection)
        kinds: tuple[providers_store.Kind, ...] = ("oidc-provider", "saml-provider")
        providers = sum(len(providers_store.listed(connection, kind)) for kind in kinds)
        counts = {kind: store.count(connection, kind) for kind in store.QUOTAS}
    return {
        "SummaryMap": {
            "Users": counts["user"],
            "UsersQuota": store.QUOTAS["user"],
            "Groups": counts["group"],
            "GroupsQuota": store.QUOTAS["group"],
            "Roles": counts["role"],
            "RolesQuota": store.QUOTAS["role"],
            "Policies": counts["policy"],
            "PoliciesQuota": store.QUOTAS["policy"],
            "AccessKeysPerUserQuota": store.MAX_KEYS,
            "AttachedPoliciesPerUserQuota": store.MAX_ATTACHED,
            "AttachedPoliciesPerGroupQuota": store.MAX_ATTACHED,
            "AttachedPoliciesPerRoleQuota": store.MAX_ATTACHED,
            "UserPolicySizeQuota": INLINE_SIZES["user"],
            "GroupPolicySizeQuota": INLINE_SIZES["group"],
            "RolePolicySizeQuota": INLINE_SIZES["role"],
            "PolicySizeQuota": MANAGED_SIZE,
            "AssumeRolePolicySizeQuota": TRUST_SIZE,
            "VersionsPerPolicyQuota": 5,
            "GroupsPerUserQuota": 10,
            "AccountAccessKeysPresent": 1,
            "AccountMFAEnabled": 0,
            "MFADevices": len(devices),
            "MFADevicesInUse": sum(device.user_id is not None for device in devices),
            "Providers": providers,
        }
    }

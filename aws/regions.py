"""The regions that a request may be signed for: those that botocore lists, of every partition.

One account's resources are the same from all of them (docs/adr/0042-one-account-seen-from-every-region.md).
"""

from __future__ import annotations

from functools import cache

from botocore.session import Session


@cache
def known_regions() -> frozenset[str]:
    """botocore's regions, the pseudo-regions of global services (``aws-global``) among them."""
    partitions = Session().get_component("data_loader").load_data("partitions")["partitions"]
    return frozenset(region for partition in partitions for region in partition["regions"])


def in_region(arn: str, region: str) -> str:
    """An ARN with another region; a text that is no ARN, or the ARN of something global, stays as it is."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not parts[3]:
        return arn
    return ":".join((*parts[:3], region, *parts[4:]))

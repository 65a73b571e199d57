"""The Lake Formation that this workspace's own programs call: as ``lakelet.catalog.glue``, over REST-JSON."""

from __future__ import annotations

from lakelet.catalog.glue import Glue


class LakeFormation(Glue):
    """Calls Lake Formation's operations by their names; each is a POST to the path of its name."""

    service = "lakeformation"

    def _target(self, operation: str) -> tuple[str, dict[str, str]]:
        return f"/{operation}", {"content-type": "application/json"}

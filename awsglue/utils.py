"""``from awsglue.utils import getResolvedOptions``."""

from lakelet.etl.arguments import resolved_options as getResolvedOptions
from lakelet.etl.errors import GlueArgumentError

__all__ = ["GlueArgumentError", "getResolvedOptions"]

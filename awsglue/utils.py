"""``from awsglue.utils import getResolvedOptions``."""

from etl.arguments import resolved_options as getResolvedOptions
from etl.errors import GlueArgumentError

__all__ = ["GlueArgumentError", "getResolvedOptions"]

"""``from awsglue.context import GlueContext``."""

from etl.context import GlueContext

__all__ = ["GlueContext"]

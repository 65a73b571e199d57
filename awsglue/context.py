"""``from awsglue.context import GlueContext``."""

from lakelet.etl.context import GlueContext

__all__ = ["GlueContext"]

"""The import names that Glue scripts use; names only, everything is in :mod:`lakelet.etl` (docs/awsglue.md)."""

from lakelet.etl.dynamicframe import DynamicFrame

__all__ = ["DynamicFrame"]

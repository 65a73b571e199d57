"""The import names that Glue scripts use; names only, everything is in :mod:`etl` (docs/awsglue.md)."""

from etl.dynamicframe import DynamicFrame

__all__ = ["DynamicFrame"]

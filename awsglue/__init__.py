"""The import names that Glue scripts use; names only, everything is in :mod:`etl` (docs/awsglue.md)."""

"""The import names that Glue scripts use for data quality; names only, everything is in :mod:`lakelet.etl.dqdl`."""

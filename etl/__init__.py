"""Glue ETL: dynamic frames, transforms, sources, sinks and data quality."""

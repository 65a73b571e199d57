"""AWS Glue Data Quality: the rules of DQDL, measured by Spark's columns on either engine (docs/data-quality.md)."""

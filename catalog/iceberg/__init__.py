"""Iceberg tables as Glue catalogues them: metadata files in the object store, and the rows that point to them."""

"""The Data Catalog as a Hive metastore: what ``spark.sql`` in a script sees (design.md §6)."""

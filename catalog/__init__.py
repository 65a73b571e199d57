"""The Glue Data Catalog: databases, tables, partitions and crawlers."""

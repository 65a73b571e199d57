"""OpenSearch Service: index templates, bulk ingest, queries and retention."""

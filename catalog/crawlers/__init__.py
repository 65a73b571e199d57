"""Crawlers: they list and read the lake, infer schemas and partitions, and register what they found.

A crawl is a process of its own and a client of the wire (``crawl``). It reads as it runs: ``listing`` →
``sampling`` (``csv_classifier``, ``json_classifier``, ``parquet_classifier``) → ``grouping`` → ``register``.
"""

RESULT_FILE = "crawl.json"  # in a crawl's run folder: what it changed, counted

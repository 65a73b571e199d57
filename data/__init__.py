"""The lake: object store, zones, formats, Hive partition paths, and safe publishing."""

"""Table optimizers: what keeps Iceberg tables small and quick. They run as runs of kind "optimizer"."""

RESULT_FILE = "optimizer.json"  # in a run's folder: what it did, counted, and the metadata file that it left

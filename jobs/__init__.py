"""Glue jobs and EMR: definitions, the queue, launchers and runs."""

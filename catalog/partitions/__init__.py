"""Partitions: their rows, the indexes on them, and the expressions that choose among them."""

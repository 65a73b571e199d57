"""Glue's connections: how databases and brokers outside the lake are reached, and whether they really can be."""

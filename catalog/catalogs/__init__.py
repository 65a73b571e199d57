"""Catalogs beside the account's own: what they are, and how their databases are told from its."""

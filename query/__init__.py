"""Athena: SQL over the catalogued lake, in a sandbox."""

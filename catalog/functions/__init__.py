"""User-defined functions, as the catalog records them."""

"""One module per AWS wire protocol."""

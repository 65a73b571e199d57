"""One module per component of the stack: its argv and its readiness probe."""

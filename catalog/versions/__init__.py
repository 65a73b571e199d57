"""Old versions of tables."""

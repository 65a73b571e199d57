"""The import name that Glue scripts use; names only, they delegate to etl."""

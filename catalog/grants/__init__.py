"""Lake Formation's permissions: who may do what with which database, table, column and row."""

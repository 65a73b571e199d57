"""AWS Glue: one module a kind of object, each function an operation of the Glue Web API."""

"""AWS Lake Formation: one module a kind of object, each function an operation of the Lake Formation API."""

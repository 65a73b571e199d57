"""The schema registry: registries, schemas, their versions, and whether a version may follow another."""

"""Glue's custom classifiers: people's own rules for what an object holds, tried before the built-in ones."""

"""Sail, the engine for work that fits one machine: it starts in milliseconds and has no JVM (docs/adr/0013)."""

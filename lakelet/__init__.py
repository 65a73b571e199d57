"""The front door: the command line, and the stack of real processes behind it."""

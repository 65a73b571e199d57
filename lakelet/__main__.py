"""``python -m lakelet``: the command line, by the Python that it is installed in."""

from lakelet.cli.main import main

main()

"""``getResolvedOptions``: a job run's arguments, as AWS documents them ("Accessing parameters using
getResolvedOptions", AWS Glue Developer Guide).
"""

from __future__ import annotations

from collections.abc import Sequence

from lakelet.etl.errors import GlueArgumentError

# Of the run: AWS gives them back whether a script asks for them or not.
_OF_THE_RUN = ("JOB_ID", "JOB_RUN_ID", "TempDir")


def resolved_options(argv: Sequence[str], options: Sequence[str]) -> dict[str, str]:
    """The values of the wanted ``options`` (names without their dashes) among ``argv`` (``sys.argv``).

    Both ``--name value`` and ``--name=value`` are read; the last one wins; other arguments are left alone. A name
    written with hyphens comes back under underscores. Raises :class:`~lakelet.etl.errors.GlueArgumentError` for a
    wanted option that is absent or has no value. The run's own ``JOB_ID``, ``JOB_RUN_ID`` and ``TempDir`` come along
    unasked.

    >>> resolved_options(["script.py", "--JOB_NAME", "silver", "--day=2013-01-01"], ["JOB_NAME", "day"])
    {'JOB_NAME': 'silver', 'day': '2013-01-01'}
    """
    given = _parse(argv[1:])
    found = {name: value for name in _OF_THE_RUN if (value := given.get(name)) is not None}
    missing = []
    for option in options:
        name = option.replace("-", "_")
        if name not in given:
            missing.append(f"--{option}")
        elif (value := given[name]) is None:
            raise GlueArgumentError(f"argument --{option}: expected one argument")
        else:
            found[name] = value
    if missing:
        raise GlueArgumentError(f"the following arguments are required: {', '.join(missing)}")
    return found


def _parse(arguments: Sequence[str]) -> dict[str, str | None]:
    given: dict[str, str | None] = {}
    name: str | None = None
    for argument in arguments:
        if argument.startswith("--") and len(argument) > 2:
            name, equals, value = argument[2:].partition("=")
            name = name.replace("-", "_")
            given[name] = value if equals else None
            if equals:
                name = None
        elif name is not None:
            given[name] = argument
            name = None
    return given

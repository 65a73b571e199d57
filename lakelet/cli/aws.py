"""``lakelet aws …``: the AWS CLI, with the environment that points it at this stack."""

from __future__ import annotations

from typing import Any

import typer

app = typer.Typer(add_completion=False)

_ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": ["--lakelet-help"]}
# A profile or a token of another account would go before the keys.
FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE")


@app.command(context_settings=_ANYTHING, epilog="Example: lakelet aws glue get-databases")
def aws(context: typer.Context) -> None:
    """Run the AWS CLI against this stack: whatever follows is the CLI's own, its --help too."""
    import os
    import shutil
    import sys
    from pathlib import Path

    from lakelet.cli.env import past_proxy
    from lakelet.workspace.environment import client_environment
    from lakelet.workspace.errors import LakeletError, NotRunningError
    from lakelet.workspace.paths import Workspace

    own = Path(sys.executable).with_name("aws")
    program = shutil.which("aws") or (str(own) if own.exists() else None)
    asks_help = not context.args or bool({"help", "--help", "-h"} & set(context.args))
    if program is None and asks_help:
        print(context.get_help())
        raise typer.Exit
    if program is None:
        raise LakeletError("The AWS CLI is not installed: install it (`pipx install awscli`, say) and try again.")
    environment: dict[str, Any] = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    try:
        environment |= client_environment(Workspace.find()) | past_proxy(os.environ)
    except NotRunningError:
        if not asks_help:  # which needs no stack
            raise
    sys.stdout.flush()
    os.execve(program, [program, *context.args], environment)  # noqa: S606

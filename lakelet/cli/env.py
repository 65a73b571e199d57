"""``lakelet env``: the environment that points AWS clients at the stack."""

from __future__ import annotations

import typer

from lakelet.cli.output import Format, OutputOption, show_record

app = typer.Typer(add_completion=False)


@app.command(epilog='Example: eval "$(lakelet env)" && aws s3 ls')
def env(output: OutputOption = Format.text) -> None:
    """Print export lines for a shell: with them boto3, the AWS CLI and every AWS SDK talk to this stack."""
    import shlex

    from workspace.environment import client_environment
    from workspace.paths import Workspace

    variables = client_environment(Workspace.find())
    if output is Format.json:
        show_record(variables, output)
        return
    print("unset AWS_SESSION_TOKEN")  # one left over from AWS would not belong to these keys
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")

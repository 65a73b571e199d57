"""``lakelet env``: the environment that points AWS clients at the stack."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from lakelet.cli.output import Format, OutputOption, show_record

PROXIES = ("http_proxy", "https_proxy", "all_proxy")
LOOPBACK = ("127.0.0.1", "localhost")

app = typer.Typer(add_completion=False)


@app.command(epilog='Example: eval "$(lakelet env)" && aws s3 ls')
def env(output: OutputOption = Format.text) -> None:
    """Print export lines for a shell: with them boto3, the AWS CLI and every AWS SDK talk to this stack."""
    from lakelet.workspace.environment import client_environment
    from lakelet.workspace.paths import Workspace

    print_exports(client_environment(Workspace.find()), output)


def print_exports(variables: dict[str, str], output: Format) -> None:
    """Export lines of variables, with what leads past a proxy; or a JSON object of them."""
    import os
    import shlex

    variables = variables | past_proxy(os.environ)
    if output is Format.json:
        show_record(variables, output)
        return
    print("unset AWS_SESSION_TOKEN")  # one left over from AWS would not belong to these keys
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")


def past_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """``NO_PROXY`` with the loopback addresses added, in both spellings, when this environment names a proxy: none
    stands before what listens here."""
    if not any(environment.get(name) for name in environment if name.lower() in PROXIES):
        return {}
    hosts = (environment.get("no_proxy") or environment.get("NO_PROXY") or "").split(",")
    hosts = [host.strip() for host in hosts if host.strip()]
    if "*" in hosts:
        return {}
    value = ",".join([*hosts, *(host for host in LOOPBACK if host not in hosts)])
    return {"NO_PROXY": value, "no_proxy": value}

"""``lakelet notebook``: JupyterLab on the lake."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lakelet.cli.output import Format, OutputOption, show_message
from lakelet.workspace.paths import Workspace

app = typer.Typer(add_completion=False)

DEFAULT_PORT = 8888


@app.command(epilog="Example: lakelet notebook flights.ipynb --no-browser")
def notebook(
    name: Annotated[str | None, typer.Argument(metavar="[NOTEBOOK]", help="A notebook of notebooks/ to open.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen on.  [default: 8888, or the next free]")
    ] = None,
    install_kernel: Annotated[
        bool,
        typer.Option("--install-kernel", help="Install the kernel for VS Code, nbconvert and papermill, and exit."),
    ] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
    output: OutputOption = Format.text,
) -> None:
    """Open JupyterLab with a ready kernel: %%sql, spark, glueContext and opensearch.

    Ctrl-C ends it. The address that is printed lets its reader in: it holds the token.
    """
    from lakelet.notebook import (
        address,
        check_installed,
        free_port,
        has_notebook,
        install_kernel_beside,
        install_kernel_for_user,
        notebooks,
        serve,
    )
    from lakelet.workspace.errors import LakeletError, UsageError

    if install_kernel:
        if name is not None:
            raise UsageError("--install-kernel opens no notebook: leave the name out.")
        folder = install_kernel_for_user()
        text = f"The kernel lakelet is installed in {folder}; `jupyter kernelspec remove lakelet` removes it."
        show_message(text, output, kernel=str(folder))
        return
    install_kernel_beside()
    workspace = Workspace.find()
    workspace.endpoint("control")  # says so when the stack was never started
    if name is not None and not has_notebook(workspace, name):
        raise LakeletError(
            f"There is no notebook {name!r} in {notebooks(workspace).name}/: leave the name out to choose one."
        )
    check_installed()
    chosen = free_port(DEFAULT_PORT if port is None else port, chosen=port is not None)
    url = address(workspace, chosen, name or "")
    show_message(f"JupyterLab: {url}", output, url=url)
    sys.stdout.flush()  # what reads it from a pipe waits for it, and serve() does not return
    if no_browser:
        print("Press Ctrl-C to stop JupyterLab.", file=sys.stderr)
    serve(workspace, chosen, browser=not no_browser)

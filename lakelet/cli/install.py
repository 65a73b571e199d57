"""``lakelet install``: bring the stack's parts into the cache."""

from __future__ import annotations

import typer

from lakelet.cli.output import Format, OutputOption, show_message

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: lakelet install")
def install(
    repair: bool = typer.Option(False, help="Check the recorded checksums too, and install again what is damaged."),
    output: OutputOption = Format.text,
) -> None:
    """Install the JDK, Spark's jars, OpenSearch and MinIO into the cache that all clones share.

    Safe to interrupt and to run twice; a complete installation needs no network.
    """
    import lakelet.stack.install as stack_install
    from lakelet.notebook import install_kernel_beside
    from lakelet.stack.platforms import check_platform
    from lakelet.workspace.paths import Workspace

    workspace = Workspace.find()
    check_platform(workspace)
    damaged = stack_install.repair(workspace) if repair else []
    done = [part.name for part in stack_install.install(workspace)]
    install_kernel_beside()
    text = f"Installed {', '.join(done)}." if done else "Everything is installed already."
    show_message(text, output, cache=str(workspace.cache.root), installed=done, damaged=damaged)

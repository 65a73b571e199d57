"""``lakelet logs``: what the stack's components wrote."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from lakelet.cli.output import Format, OutputOption, show_rows

app = typer.Typer(add_completion=False)

POLL_SECONDS = 0.3


@app.command(epilog="Example: lakelet logs opensearch -f")
def logs(
    component: Annotated[str | None, typer.Argument(help="A component's name, or supervisor; without it, all.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow new lines until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many last lines to show of each.")] = 20,
    output: OutputOption = Format.text,
) -> None:
    """Show the last lines of the components' logs, and with -f what comes."""
    from lakelet.stack.child import tail
    from lakelet.workspace.errors import LakeletError
    from lakelet.workspace.paths import Workspace

    folder = Workspace.find().logs
    found = {path.stem: path for path in sorted(folder.glob("*.log"))}
    if component is not None and component not in found:
        known = f"there are logs of {', '.join(found)}" if found else "the stack was never started"
        raise LakeletError(f"There is no log of {component!r}: {known}.")
    chosen = {component: found[component]} if component else found
    # Taken before the last lines are read: what is written meanwhile is shown twice rather than never.
    sizes = {name: path.stat().st_size for name, path in chosen.items()}
    tails = [(name, line) for name, path in chosen.items() for line in tail(path, lines)]
    if output is Format.json and not follow:
        show_rows([{"component": name, "line": line} for name, line in tails], output)
        return
    width = max((len(name) for name in chosen), default=0)

    def show(name: str, line: str) -> None:
        if output is Format.json:
            import json

            print(json.dumps({"component": name, "line": line}), flush=True)
        else:
            print(line if component else f"{name.ljust(width)}  {line}", flush=True)

    for name, line in tails:
        show(name, line)
    if follow:
        try:
            for name, line in _follow(chosen, sizes):
                show(name, line)
        except KeyboardInterrupt:
            return


def _follow(paths: dict[str, Path], sizes: dict[str, int]) -> Iterator[tuple[str, str]]:
    """New whole lines as they are written; a log that became shorter is read from its beginning."""
    parts = dict.fromkeys(paths, b"")
    while True:
        for name, path in paths.items():
            size = path.stat().st_size
            if size < sizes[name]:
                sizes[name], parts[name] = 0, b""
            if size > sizes[name]:
                with open(path, "rb") as file:
                    file.seek(sizes[name])
                    new = file.read()
                sizes[name] += len(new)
                *whole, parts[name] = (parts[name] + new).split(b"\n")
                for line in whole:
                    yield name, line.decode(errors="replace")
        time.sleep(POLL_SECONDS)

"""``lakelet``: a table of nouns; the module of a noun is imported when that noun is called, so help stays instant."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

from lakelet.workspace.errors import LakeletError, UsageError

COMMANDS = (
    ("init", "lakelet.cli.init", "Make a project of your own."),
    ("demo", "lakelet.cli.demo", "Run the main job end to end on real flight data."),
    ("install", "lakelet.cli.install", "Install the JDK, Spark's jars, OpenSearch and MinIO into the cache."),
    ("up", "lakelet.cli.up", "Start the stack."),
    ("down", "lakelet.cli.down", "Stop the stack; no process stays behind."),
    ("status", "lakelet.cli.status", "Show the state of every component."),
    ("logs", "lakelet.cli.logs", "Show the logs of the stack's components."),
    ("doctor", "lakelet.cli.doctor", "Check this machine and the installation."),
    ("aws", "lakelet.cli.aws", "Run the AWS CLI against this stack."),
    ("env", "lakelet.cli.env", "Print the environment that points AWS clients here."),
    ("backup", "lakelet.cli.backup", "Copy the state, objects and indexes into a folder."),
    ("restore", "lakelet.cli.restore", "Make this workspace what it was when it was backed up."),
    ("gc", "lakelet.cli.gc", "Free the space of old logs, runs and staging."),
    ("jobs", "lakelet.cli.jobs", "Submit and follow job runs."),
    ("catalog", "lakelet.cli.catalog", "Browse the Data Catalog and run crawlers."),
    ("sql", "lakelet.cli.sql", "Query the catalogued lake with SQL."),
    ("search", "lakelet.cli.search", "Search logs and indexed data."),
    ("notebook", "lakelet.cli.notebook", "Open JupyterLab with a ready kernel."),
)


class Nouns(TyperGroup):
    """A command group that imports the module of a command only to run it."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for name, _, _ in COMMANDS]

    def get_command(self, ctx: Any, name: str) -> Any:
        for known, module, _ in COMMANDS:
            if known == name:
                command = typer.main.get_command(import_module(module).app)
                command.name = name
                return command
        return None

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _reader_may_leave():  # help is printed here
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with _reader_may_leave():
            return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        print(
            "Usage: lakelet [--project DIR] COMMAND [OPTIONS]\n\n"
            "The AWS data stack on your own machine, really executing.\n\nCommands:"
        )
        for name, _, text in COMMANDS:
            print(f"  {name:10} {text}")
        print(
            "\nOptions:\n"
            "  --project DIR         Use the project in that folder, not the one around the working folder.\n"
            "  --version             Show the version.\n"
            "  --install-completion  Install completion for the current shell.\n"
            "  --show-completion     Show completion for the current shell, to copy it or customize it.\n"
            "  -h, --help            Show this message; `lakelet COMMAND -h` shows a command's options with an example."
        )


READER_LEFT = 141  # as a shell calls the end by SIGPIPE
LONGEST_WORD = 300

app = typer.Typer(
    cls=Nouns,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},  # of every command below, too
)


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"lakelet {version('lakelet')}")
        raise typer.Exit


@app.callback()
def _root(
    project: Annotated[Path | None, typer.Option(metavar="DIR", help="The project that the command is about.")] = None,
    version: Annotated[bool, typer.Option("--version", callback=_tell_version, is_eager=True)] = False,
) -> None:
    """The AWS data stack on your own machine, really executing."""
    from lakelet.workspace.paths import PROJECT_VARIABLE, STATE_VARIABLE, check_project

    if project is not None:  # and its own state, whatever the environment says
        os.environ[PROJECT_VARIABLE] = str(check_project(project))
        os.environ.pop(STATE_VARIABLE, None)


def main() -> None:
    """Run the command line: a user's mistake is one sentence on stderr and an exit code, never a traceback."""
    with _reader_may_leave():
        try:
            _check_words(sys.argv[1:])
            app()
        except LakeletError as error:
            print(f"lakelet: {readable(str(error))}", file=sys.stderr)
            raise SystemExit(error.exit_code) from None
        finally:  # not at the interpreter's end, which would complain
            sys.stdout.flush()


def readable(message: str) -> str:
    """An error's sentence for a terminal: it may quote what the user gave it, which is shortened when it is very long,
    and cannot move the cursor.
    """
    plain = "".join(char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in message)
    return re.sub(rf"\S{{{LONGEST_WORD},}}", lambda word: word[0][: LONGEST_WORD // 2] + "…", plain)


def _check_words(words: Sequence[str]) -> None:
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:  # bytes that Python could not decode
            raise UsageError(f"{word!r} is not valid UTF-8: write it in the encoding of this terminal.") from None


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """Exit in silence when what reads our output (``| head``) has left; click would exit with 1."""
    try:
        yield
    except BrokenPipeError:
        with open(os.devnull, "wb") as nowhere:  # what is still buffered goes there
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        raise SystemExit(READER_LEFT) from None

"""Page."""

from workspace.paths import Workspace


def show(workspace: Workspace) -> None:
    """Show."""

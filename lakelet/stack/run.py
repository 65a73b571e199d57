"""One component in the foreground, as a container runs it; Docker restarts it, so there is no supervisor.

    python -m lakelet.stack.run NAME            become the component
    python -m lakelet.stack.run --probe NAME    exit 0 when it works, 1 (and say why) when not

It is the same component that ``lakelet up`` starts, on exactly the ports of the settings.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from lakelet.jobs.spark import write_conf
from lakelet.stack.component import Component, NotReadyError, Plan
from lakelet.stack.components import components, endpoints
from lakelet.stack.ports import default_ports
from lakelet.workspace.errors import LakeletError
from lakelet.workspace.paths import Workspace


def main(arguments: Sequence[str]) -> int:
    """Become a component, or probe it."""
    probing = arguments[:1] == ["--probe"]
    (name,) = arguments[1:] if probing else arguments
    try:
        component = prepare(Workspace.find(), name)
        if not probing:
            os.chdir(component.cwd)
            os.execve(component.argv[0], list(component.argv), dict(component.env))  # noqa: S606
        component.probe()
    except (LakeletError, NotReadyError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0


def prepare(workspace: Workspace, name: str) -> Component:
    """The component of that name, once the files that it reads are written."""
    ports = default_ports(workspace)
    workspace.write_endpoints(endpoints(workspace, ports))
    write_conf(workspace)
    (component,) = components(Plan(workspace, ports), [name])
    return component


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

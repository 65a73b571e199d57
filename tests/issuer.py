"""An OpenID Connect provider of the tests' own, on 127.0.0.1."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


class Issuer:
    """A provider: it publishes its keys, and signs whatever it is told to."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys = {"one": rsa.generate_private_key(public_exponent=65537, key_size=2048)}
        self.answers: dict[str, Any] = {}

    def documents(self) -> dict[str, Any]:
        public = [
            {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": name, "use": "sig"}
            for name, key in self.keys.items()
        ]
        found = {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
            "/keys": {"keys": public},
        }
        return found | self.answers

    def token(self, key: str = "one", signed_by: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        now = int(time.time())
        whole = {"iss": self.url, "aud": "app", "sub": "mia", "iat": now, "exp": now + 300, **claims}
        whole = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(whole, signed_by or self.keys["one"], algorithm=algorithm, headers={"kid": key})


@contextmanager
def issuing() -> Iterator[Issuer]:
    """A provider that answers as long as the block lasts."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = made.documents().get(self.path)
            body = json.dumps(found).encode() if not isinstance(found, bytes) else found
            self.send_response(200 if found is not None else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Issuer(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()

"""A registry of the tests' own: enough of the distribution API for an engine to pull, and each way of saying no.

Runs in a container, from the standard library alone. Images lie below /srv: blobs/<digest> and tags/<repository>/<tag>,
a file with a manifest's digest. What a repository's name begins with says how it behaves.
"""

from __future__ import annotations

import http.server
import json
import threading
from pathlib import Path

ROOT = Path("/srv")
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
REFUSALS = {
    "limited": (429, "TOOMANYREQUESTS", "You have reached your pull rate limit."),
    "private": (401, "UNAUTHORIZED", "authentication required"),
    "denied": (403, "DENIED", "requested access to the resource is denied"),
    "unnamed": (404, "NAME_UNKNOWN", "repository name not known to registry"),
    "broken": (503, "UNAVAILABLE", "service unavailable"),
}


class Registry(http.server.BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = self.path.strip("/").split("/")
        if len(parts) < 4:
            self.answer(200, b"{}")
            return
        repository, kind, name = "/".join(parts[1:-2]), parts[-2], parts[-1]
        behaviour = repository.partition("/")[0]
        if behaviour == "silent":
            threading.Event().wait()
        if behaviour in REFUSALS:
            code, word, message = REFUSALS[behaviour]
            self.answer(code, json.dumps({"errors": [{"code": word, "message": message}]}).encode())
            return
        tag = ROOT / "tags" / repository / name
        digest = tag.read_text() if kind == "manifests" and tag.is_file() else name
        blob = ROOT / "blobs" / digest
        if not blob.is_file():
            word = "MANIFEST_UNKNOWN" if kind == "manifests" else "BLOB_UNKNOWN"
            self.answer(404, json.dumps({"errors": [{"code": word, "message": "unknown"}]}).encode())
            return
        self.answer(200, blob.read_bytes(), MANIFEST if kind == "manifests" else "application/octet-stream", digest)

    def do_HEAD(self) -> None:
        self.do_GET()

    def answer(self, code: int, body: bytes, kind: str = "application/json", digest: str = "") -> None:
        self.send_response(code)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("", 5000), Registry).serve_forever()

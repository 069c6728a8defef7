"""The certificates that this machine trusts beyond its distribution's: an equivalent has to trust them too.

A network that inspects TLS (common in schools) is trusted by the host through such a certificate.
"""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_DISTRIBUTED = Path("/usr/share/ca-certificates")


def host_bundle() -> Path | None:
    """Return the file with the certificates that this machine's programs trust, or None when there is none."""
    found = ssl.get_default_verify_paths()
    candidates = (os.environ.get("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt", found.cafile)
    return next((Path(c) for c in candidates if c and Path(c).is_file()), None)


def host_extras() -> tuple[str, ...]:
    """Return the PEM certificates of the host's bundle that its distribution's own collection does not have."""
    bundle = host_bundle()
    if bundle is None:
        return ()
    known: set[str] = set()
    for file in _DISTRIBUTED.rglob("*.crt"):
        known.update(map(_normal, _blocks(file)))
    unique = {_normal(block): block for block in _blocks(bundle)}
    return tuple(block + "\n" for key, block in unique.items() if key not in known)


def _blocks(file: Path) -> list[str]:
    try:
        return _BLOCK.findall(file.read_text("utf-8", "replace"))
    except OSError:
        return []


def _normal(block: str) -> str:
    return "".join(block.split())

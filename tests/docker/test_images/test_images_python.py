"""The equivalents of Python have the original's names, and build a student's Dockerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.model.grade import ResolvedImage

pytestmark = pytest.mark.docker

SLIM = [("python:3.11-slim", "3.11"), ("python:3.13-slim", "3.13")]

# Packages from a first stage, copied as in many a tutorial.
DOCKERFILE = """
FROM {base} AS builder
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
FROM {base}
WORKDIR /app
COPY --from=builder /usr/local/lib/python{version}/site-packages /usr/local/lib/python{version}/site-packages
RUN useradd --create-home app
COPY main.py .
USER app
CMD ["python", "main.py"]
"""


@pytest.mark.parametrize(("name", "version"), SLIM)
def test_names_of_the_original(
    name: str, version: str, equivalent: Callable[[str], ResolvedImage], output: Callable[..., str]
):
    """python, python3 and pip lie in /usr/local/bin, and the version is the label's."""
    image = equivalent(name)
    assert image.version.startswith(version + ".")
    for program in ("python", "python3", f"python{version}"):
        assert output(image.reference, f"/usr/local/bin/{program}", "--version") == f"Python {image.version}\n"
    assert f"(python {version})" in output(image.reference, "/usr/local/bin/pip", "--version")
    assert output(image.reference, "sh", "-c", "python -m venv /tmp/v && /tmp/v/bin/python -c 'print(1)'") == "1\n"
    assert output(image.reference, "python", "-c", "import sqlite3, ssl, ctypes, zoneinfo; print(2)") == "2\n"


@pytest.mark.parametrize(("name", "version"), SLIM)
def test_a_students_dockerfile(
    name: str,
    version: str,
    equivalent: Callable[[str], ResolvedImage],
    built: Callable[[dict[str, str]], str],
    output: Callable[..., str],
):
    """pip install -r works as root without a word about managed environments, and site-packages can be copied."""
    image = built(
        {
            "Dockerfile": DOCKERFILE.format(base=equivalent(name).reference, version=version),
            "requirements.txt": "pika==1.3.2\n",
            "main.py": "import pika, getpass; print(pika.__version__, getpass.getuser())",
        }
    )
    assert output(image) == "1.3.2 app\n"


def test_the_hosts_certificates_are_trusted(equivalent: Callable[[str], ResolvedImage], output: Callable[..., str]):
    """The variables that Node, pip and others read lead to a bundle that is there."""
    program = (
        "import os, ssl; names = ('SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'PIP_CERT', "
        "'CURL_CA_BUNDLE'); print(len({os.environ[n] for n in names}), ssl.create_default_context().cert_store_stats()"
        "['x509_ca'] > 100)"
    )
    assert output(equivalent("python:3.13-slim").reference, "python", "-c", program) == "1 True\n"

"""Why an image is not to be had: read from the engine's words, said of all at once, blamed on who is to blame."""

from __future__ import annotations

import pytest

from grader import catalogue, i18n
from grader.errors import ImageMissingError, UnusableImagesError
from grader.images import missing
from grader.images.failures import Failure, understood
from grader.model.text import msg

KNOWN = catalogue.load()
# As engines from 20.10 to 28 hand on what registries and the way to them say.
WORDS = [
    ("manifest unknown", "absent"),
    ("manifest unknown: manifest unknown", "absent"),
    ("manifest for ruby:99 not found: manifest unknown: manifest unknown", "absent"),
    ("failed to resolve reference \"docker.io/library/ruby:99\": docker.io/library/ruby:99: not found", "absent"),
    ("name unknown: repository name not known to registry", "absent"),
    ("errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required\n", "private"),
    ("pull access denied for nobody/x, repository does not exist or may require 'docker login': denied", "private"),
    ("unauthorized: access to the requested resource is not authorized", "private"),
    ("error from registry: denied", "private"),
    ("toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating", "limited"),
    ("received unexpected HTTP status: 429 Too Many Requests", "limited"),
    ("no matching manifest for linux/arm64/v8 in the manifest list entries", "unfit"),
    ("Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host", "silent"),
    ("Get \"https://ghcr.io/v2/\": dial tcp 140.82.121.33:443: connect: connection refused", "silent"),
    ("Get \"https://quay.io/v2/\": net/http: request canceled (Client.Timeout exceeded)", "silent"),
    ("Get \"https://gcr.io/v2/\": x509: certificate signed by unknown authority", "silent"),
    ("received unexpected HTTP status: 503 Service Unavailable", "silent"),
    ("Get \"https://ghcr.io/v2/\": Forbidden", "silent"),
    ("proxyconnect tcp: EOF", "silent"),
    ("", "silent"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "kind"), WORDS, ids=[words[:50] for words, _ in WORDS])
def test_the_engine_s_words_are_understood(words: str, kind: str) -> None:
    """What is not certainly the registry's own no is a registry that does not answer."""
    assert understood(words).kind == kind


def gone(name: str, kind: str, words: str = "") -> missing.NotHereError:
    return missing.NotHereError(name, Failure(kind, words))  # type: ignore[arg-type]  # one of the kinds


OURS = ["limited", "silent", "unfit", "full"]


@pytest.mark.parametrize("kind", OURS)
def test_all_that_is_missing_is_said_at_once(kind: str) -> None:
    """Whoever grades hears each name once, and what to do; it is nobody's mistake."""
    names = ("ruby:3.3", "rust:1", "mcr.microsoft.com/dotnet/sdk:8.0")
    error = missing.of_all(KNOWN, {name: gone(name, kind) for name in names})
    assert isinstance(error, ImageMissingError)
    assert not isinstance(error, UnusableImagesError)
    assert error.message.params["names"] == ", ".join(names)
    assert error.remedy is not None


def test_each_kind_is_said_in_words_of_its_own() -> None:
    """In both languages."""
    for lang in ("es", "en"):
        said = {i18n.render(gone("ruby:3.3", kind).message, lang) for kind in OURS}
        assert len(said) == len(OURS)


def test_different_kinds_are_said_together() -> None:
    """With the first words that the engine had for it; a build of ours that failed is among them."""
    failures = {
        "ruby:3.3": gone("ruby:3.3", "limited", "toomanyrequests: slow down"),
        "rust:1": missing.NotHereError("rust:1", None),
        "redis:7": ImageMissingError(msg("The equivalent could not be built")),
    }
    error = missing.of_all(KNOWN, failures)
    assert isinstance(error, ImageMissingError)
    assert error.message.params == {"names": "ruby:3.3, rust:1, redis:7", "reason": "toomanyrequests: slow down"}


def test_a_build_of_ours_that_failed_speaks_for_itself() -> None:
    """Where nothing else is missing."""
    failed = ImageMissingError(msg("The equivalent could not be built"))
    assert missing.of_all(KNOWN, {"redis:7": failed}) is failed
    trouble = RuntimeError("a defect")
    assert missing.of_all(KNOWN, {"redis:7": failed, "x": trouble}) is trouble


@pytest.mark.parametrize(
    ("name", "kind", "theirs"),
    [
        ("ruby:99", "absent", True),
        ("rabbitmq:3.13.99-management", "absent", True),
        ("nobody/x:1", "private", True),
        ("ghcr.io/nobody/x:1", "private", True),
        # Everybody may have these: who asks for a login is a proxy on the way.
        ("ruby:3.3", "private", False),
        ("confluentinc/cp-kafka:7.9.0", "private", False),
        ("nobody/x:1", "too-large", True),
        ("nobody/x:1", "silent", False),
        ("nobody/x:1", "limited", False),
    ],
)
def test_a_wrong_name_is_the_fault_of_whoever_wrote_it(name: str, kind: str, theirs: bool) -> None:
    """A registry's certain no, and nothing else."""
    error = missing.of_all(KNOWN, {name: gone(name, kind)})
    assert isinstance(error, UnusableImagesError) == theirs
    if isinstance(error, UnusableImagesError):
        assert error.images == {name: kind}


def test_a_wrong_name_counts_more_than_a_silent_registry() -> None:
    """Such a submission starts nowhere, whatever becomes of its other images; only its own are named."""
    error = missing.of_all(KNOWN, {"ruby:99": gone("ruby:99", "absent"), "rust:1": gone("rust:1", "silent")})
    assert isinstance(error, UnusableImagesError)
    assert error.images == {"ruby:99": "absent"}


def test_what_can_be_built_instead_is_proposed() -> None:
    """Of a version that the catalogue has and cannot build."""
    error = missing.of_all(KNOWN, {"python:3.12-slim": gone("python:3.12-slim", "silent")})
    assert isinstance(error, ImageMissingError)
    assert error.remedy is not None
    assert error.remedy.params == {"nearest": "python:3.13-slim"}

"""What pulled images bring along, as the engine tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.model.pulled import Health, PulledImage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import docker

    from grader.model.grade import ResolvedImage

_SECOND = 1_000_000_000


def facts(
    engine: docker.DockerClient, resolved: Mapping[str, ResolvedImage], names: Iterable[str]
) -> dict[str, PulledImage]:
    """Return for each of these names what the image behind it has in its configuration."""
    return {name: _facts(name, engine.images.get(resolved[name].reference).attrs) for name in names}


def _facts(name: str, attributes: Mapping[str, Any]) -> PulledImage:
    config: Mapping[str, Any] = attributes.get("Config") or {}

    def texts(attribute: str) -> tuple[str, ...]:
        return tuple(map(str, config.get(attribute) or ()))  # of an object, its keys

    return PulledImage(
        name=name,
        size=int(attributes.get("Size") or 0),
        env=texts("Env"),
        volumes=texts("Volumes"),
        ports=texts("ExposedPorts"),
        user=str(config.get("User") or ""),
        folder=str(config.get("WorkingDir") or ""),
        shell=texts("Shell"),
        stop_signal=str(config.get("StopSignal") or ""),
        labels=texts("Labels"),
        triggers=texts("OnBuild"),
        health=_health(config.get("Healthcheck") or {}),
    )


def _health(check: Mapping[str, Any]) -> Health | None:
    test = check.get("Test") or ["NONE"]
    if test[0] == "NONE":
        return None
    return Health(
        interval=int(check.get("Interval") or 0) / _SECOND,
        timeout=int(check.get("Timeout") or 0) / _SECOND,
    )

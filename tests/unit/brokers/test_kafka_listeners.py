"""Which ports of a broker may be for clients."""

from __future__ import annotations

import pytest

from grader.brokers.kafka.clients import is_loopback
from grader.brokers.kafka.listeners import Endpoint, for_clients, listening, name_of, parse

QUICKSTART = "PLAINTEXT://kafka:29092,PLAINTEXT_HOST://localhost:9092"
KRAFT = {
    "KAFKA_LISTENERS": "PLAINTEXT://:29092, CONTROLLER://:9093,PLAINTEXT_HOST://0.0.0.0:9092,TLS://:9094",
    "KAFKA_ADVERTISED_LISTENERS": QUICKSTART,
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT,TLS:SSL",
}


def ports(environment: dict[str, str]) -> list[int]:
    return [e.port for e in for_clients(environment)]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, [9092]),
        (KRAFT, [29092, 9092]),
        ({"KAFKA_ADVERTISED_LISTENERS": QUICKSTART}, [29092, 9092]),
        ({"KAFKA_LISTENERS": "nonsense"}, [9092]),
        ({"KAFKA_LISTENERS": "CONTROLLER://:9093", "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER"}, [9092]),
    ],
)
def test_the_ports_for_clients(environment: dict[str, str], expected: list[int]) -> None:
    """Those of the broker's listeners, without the controller's."""
    assert ports(environment) == expected


def test_endpoints_are_read_leniently() -> None:
    """A port that is none is left out."""
    assert parse("plaintext://[::1]:9092, X://:1,PLAINTEXT://h:p,://a:1") == (
        Endpoint("PLAINTEXT", "::1", 9092),
        Endpoint("X", "", 1),
    )
    assert name_of(1, parse("X://:1")) == "X"
    assert name_of(2, parse("X://:1")) == ""


def test_the_ports_that_a_container_listens_on() -> None:
    """Those on loopback, of either family, are for nobody else; the state must be LISTEN."""
    table = """
  sl  local_address rem_address   st tx_queue rx_queue
   0: 0B00007F:B3C7 00000000:0000 0A 00000000:00000000
   1: 00000000:2384 00000000:0000 0A 00000000:00000000
   2: 020012AC:2385 030012AC:D204 01 00000000:00000000
   0: 00000000000000000000000000000000:71A4 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000
   2: 0000000000000000FFFF00000100007F:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000
"""
    assert listening(table) == (9092, 29092)


@pytest.mark.parametrize(
    ("host", "own"), [("localhost", True), ("127.0.1.1", True), ("::1", True), ("kafka", False), ("10.0.0.1", False)]
)
def test_what_is_a_readers_own_machine(host: str, own: bool) -> None:
    """Names and addresses that lead nobody else to the broker."""
    assert is_loopback(host) == own

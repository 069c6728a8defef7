"""Reads, works, writes to the table, and then commits the offset. Any trouble with Kafka ends the process."""

import json
import os
import signal
import socket
import threading

import psycopg
from kafka import KafkaConsumer
from kafka.errors import CommitFailedError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata

ME = socket.gethostname()
INSERT = """
    INSERT INTO processed (event_id, user_id, seq, processed_by) VALUES (%s, %s, %s, %s)
    ON CONFLICT (event_id) DO NOTHING
"""

stopping = threading.Event()


class Database:
    """One connection, opened again whenever it breaks."""

    def __init__(self):
        self._connection = None

    def write(self, event):
        """Return True once the row is there, False if we are stopped before the database is back."""
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(os.environ["DATABASE"], autocommit=True)
                self._connection.execute(INSERT, (event["eventId"], event["userId"], event["seq"], ME))
                return True
            except psycopg.OperationalError as error:
                print("database:", error)
                self._connection = None
                if stopping.wait(0.5):
                    return False


def read_event(value):
    """The event in `value`; ValueError if it is none."""
    if value is None:
        raise ValueError("null")
    event = json.loads(value.decode("utf-8"))
    match event:
        case {"eventId": str(), "userId": str(), "seq": int() as seq, "duration_ms": int() | float() as duration}:
            if not isinstance(seq, bool) and not isinstance(duration, bool) and duration >= 0:
                return event
    raise ValueError("not an event")


def handle(record, database):
    """Work one record; False: we are being stopped, and it is not done."""
    try:
        event = read_event(record.value)
    except (ValueError, RecursionError) as error:
        print(f"{record.partition}/{record.offset} is skipped: {error}")
        return True
    if stopping.wait(event["duration_ms"] / 1000):
        return False
    return database.write(event)


def consume(consumer, database):
    """Until we are stopped: poll, and commit after each record that is done."""
    while not stopping.is_set():
        for partition, records in consumer.poll(timeout_ms=500).items():
            for record in records:
                if not handle(record, database):
                    return
                try:
                    consumer.commit({partition: OffsetAndMetadata(record.offset + 1, "", -1)})
                except (CommitFailedError, RebalanceInProgressError) as error:
                    print("not ours any more:", error)  # somebody else does it again, and the table does not mind


def main():
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    consumer = KafkaConsumer(
        "user-events",
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP"],
        client_id=ME,
        group_id="user-service",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=10_000,
        heartbeat_interval_ms=2_000,
        max_poll_records=20,
        metadata_max_age_ms=3_000,  # the topic may be made after we have come
    )
    try:
        consume(consumer, Database())
    finally:
        consumer.close()  # leaves the group, so that the others need not wait for the session to end


if __name__ == "__main__":
    main()

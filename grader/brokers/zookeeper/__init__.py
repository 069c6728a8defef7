"""ZooKeeper, which an older Kafka keeps its state in; nobody but Kafka speaks to it."""

from __future__ import annotations

from grader.brokers.broker import Broker

BROKER = Broker(role="zookeeper", port=2181, images=("confluentinc/cp-zookeeper",))

"""ZooKeeper, which an older Kafka keeps its state in; nobody but Kafka speaks to it."""

from __future__ import annotations

from grader.brokers.broker import Broker
from grader.brokers.zookeeper.rules import RULES

BROKER = Broker(role="zookeeper", port=2181, images=("confluentinc/cp-zookeeper",), rules=RULES)

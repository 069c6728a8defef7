FROM confluentinc/cp-kafka-connect:7.6.0
USER root
RUN confluent-hub install --no-prompt x/y:1
USER appuser

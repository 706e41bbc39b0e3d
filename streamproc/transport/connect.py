"""Opens a client for whichever broker is set."""

from streamproc.transport.client import Client
from streamproc.transport.options import BrokerOptions


async def connect(options: BrokerOptions) -> Client:
    """Open a client; raises BrokerUnavailableError when no broker answers."""
    # Imported only when needed: who uses the embedded log starts without aiokafka.
    if options.embedded:
        from streamproc.transport.sqlite.client import SqliteClient

        return SqliteClient(options.broker_url, options.log_sync)
    from streamproc.transport.kafka.client import KafkaClient

    return await KafkaClient.connect(options)

"""Producers in ten lines each, with the running system's own address and topic. Pure.

Whatever stands in them of the address is quoted for the language it stands in.
"""

import json
import shlex
from dataclasses import dataclass
from string import Template

STORE_ID = "1001"


@dataclass(frozen=True, slots=True)
class Example:
    """A program that sends one poll.

    ``name``: what it is written in. ``run``: the line of a shell that runs it; empty
    when it is one itself.
    """

    name: str
    text: str
    run: str = ""


_CURL = Template("""\
curl -X POST $url \\
  -H "Authorization: Bearer $token" \\
  -H 'Content-Type: application/json' \\
  -d '{"store_id": "$store", "status": "active",
       "timestamp_utc": "'"$$(date -u +'%F %T UTC')"'"}'""")

_PYTHON_HTTP = Template("""\
import json, os, time, urllib.request

token = $token
poll = {"store_id": "$store", "status": "active",
        "timestamp_utc": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())}
request = urllib.request.Request(
    $url, json.dumps(poll).encode(),
    {"Content-Type": "application/json", "Authorization": "Bearer " + token})
with urllib.request.urlopen(request) as answer:
    print(answer.status, answer.read().decode())""")

_PYTHON_KAFKA = Template("""\
import asyncio, json, time
from aiokafka import AIOKafkaProducer

async def main():
    async with AIOKafkaProducer(bootstrap_servers=$servers, acks="all") as producer:
        poll = {"store_id": "$store", "status": "active",
                "timestamp_utc": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())}
        await producer.send_and_wait($topic, json.dumps(poll).encode(), b"$store")

asyncio.run(main())""")

_JAVA_KAFKA = Template("""\
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.StringSerializer;
class SendPoll { public static void main(String[] args) throws Exception {
    var settings = java.util.Map.<String, Object>of("bootstrap.servers", $servers);
    var text = new StringSerializer();
    try (var producer = new KafkaProducer<String, String>(settings, text, text)) {
        var poll = "{\\"store_id\\": \\"$store\\", \\"status\\": \\"active\\", "
            + "\\"timestamp_utc\\": \\"" + java.time.Instant.now() + "\\"}";
        producer.send(new ProducerRecord<>($topic, "$store", poll)).get();
    } } }""")

_KCAT = Template("""\
echo '{"store_id": "$store", "status": "active",' \\
     '"timestamp_utc": "'"$$(date -u +'%F %T UTC')"'"}' |
  kcat -P -b $servers -t $topic -k $store -X topic.partitioner=murmur2_random""")


def curl(address: str, token: str) -> str:
    """One poll by curl, to be pasted into a shell; see ``token_in_shell``."""
    url = shlex.quote(f"{address}/api/v1/polls")
    return _CURL.substitute(url=url, token=token, store=STORE_ID)


def python_http(address: str, token: str) -> str:
    """One poll by HTTP from Python, with its standard library; see ``token_in_python``.

    It runs as it stands.
    """
    url = json.dumps(f"{address}/api/v1/polls")
    return _PYTHON_HTTP.substitute(url=url, token=token, store=STORE_ID)


def kafka_examples(servers: str, topic: str) -> list[Example]:
    """One poll by Kafka: Python, Java, kcat. ``servers``: ``host:9092,host2:9092``."""
    quoted = {"servers": json.dumps(servers), "topic": json.dumps(topic)}
    plain = {"servers": shlex.quote(servers), "topic": shlex.quote(topic)}
    return [
        Example(
            "Python",
            _PYTHON_KAFKA.substitute(quoted, store=STORE_ID),
            "pip install aiokafka && python send_poll.py",
        ),
        Example(
            "Java",
            _JAVA_KAFKA.substitute(quoted, store=STORE_ID),
            "java -cp 'kafka/libs/*' SendPoll.java",
        ),
        Example("kcat", _KCAT.substitute(plain, store=STORE_ID)),
    ]

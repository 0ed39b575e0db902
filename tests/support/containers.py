"""Kafka and Postgres as containers, on the images that infra/compose.yaml names.

`python -m tests.support.containers` reports whether a Docker engine answers and, if none does, what is
missing and how to get it.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from docker.errors import DockerException
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from assent.infra_files import infra_path

_START_SCRIPT = "/tmp/start-kafka.sh"  # a path inside the container
_READY_TIMEOUT_S = 90


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of a Kafka and a Postgres."""

    bootstrap: str
    dsn: str


class EngineMissingError(RuntimeError):
    """No Docker engine answers."""


class ApacheKafkaContainer(DockerContainer):
    """One broker of the image apache/kafka, in KRaft mode.

    A broker must advertise the port that Docker maps, which is known only once the container runs.
    So its command waits for a start script, which is copied in then.
    """

    _PORT = 9092

    def __init__(self, image: str) -> None:
        super().__init__(image)
        self.with_exposed_ports(self._PORT)
        wait = f"until [ -f {_START_SCRIPT} ]; do sleep 0.05; done; exec sh {_START_SCRIPT}"
        self.with_command(["sh", "-c", wait])
        # The image drops its defaults as soon as one setting is given. These are all it needs.
        self.with_envs(
            KAFKA_NODE_ID="1",
            KAFKA_PROCESS_ROLES="broker,controller",
            KAFKA_LISTENERS=f"PLAINTEXT://:{self._PORT},BROKER://:9093,CONTROLLER://:9094",
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
            KAFKA_INTER_BROKER_LISTENER_NAME="BROKER",
            KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
            KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9094",
            KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
            KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS="1",
            KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
            KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
            KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
            KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
            # The image's script passes it to the JVM: a start and its first minutes take half the time.
            KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        )

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients on this machine."""
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(self._PORT)}"

    def start(self) -> Self:
        """Start the broker; returns once it accepts requests."""
        super().start()
        script = (
            f"export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://{self.bootstrap},BROKER://$(hostname -i):9093\n"
            "exec /etc/kafka/docker/run\n"
        )
        self.copy_into_container(script.encode(), _START_SCRIPT, 0o755)
        ready = LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(_READY_TIMEOUT_S)
        ready.wait_until_ready(self)
        return self


def chosen_stack() -> Literal["embedded", "containers"]:
    """The stack in `ASSENT_TEST_STACK` that integration tests run on; embedded by default."""
    match os.environ.get("ASSENT_TEST_STACK", "embedded"):
        case "embedded":
            return "embedded"
        case "containers":
            return "containers"
        case other:
            msg = f"ASSENT_TEST_STACK={other}: it must be embedded or containers"
            raise ValueError(msg)


def image(service: str) -> str:
    """The image of `service` in infra/compose.yaml."""
    compose: dict[str, Any] = yaml.safe_load(Path(infra_path("compose.yaml")).read_text(encoding="utf-8"))
    return compose["services"][service]["image"]


def require_engine() -> None:
    """Raises EngineMissingError, with the remedy, unless a Docker engine answers."""
    try:
        DockerClient().client.ping()
    except DockerException as error:
        msg = (
            f"no Docker engine answers ({error}).\n"
            f"These tests run on the images {image('kafka')} and {image('postgres')}.\n"
            "Install an engine (Debian and Ubuntu: apt-get install docker.io; elsewhere Docker Desktop\n"
            "or Colima), start it, and see that `docker info` answers; DOCKER_HOST names another engine.\n"
            "`make test` needs no Docker: it runs Kafka and Postgres as processes of its own."
        )
        raise EngineMissingError(msg) from error


@contextmanager
def _running(kafka: ApacheKafkaContainer, postgres: PostgresContainer) -> Iterator[Endpoints]:
    with ExitStack() as stack:
        for container in (kafka, postgres):
            # Before the start: a container that does not become ready has to be removed as well.
            stack.callback(container.stop)
        postgres.start()
        kafka.start()
        yield Endpoints(bootstrap=kafka.bootstrap, dsn=postgres.get_connection_url())


@asynccontextmanager
async def containers() -> AsyncIterator[Endpoints]:
    """A new Kafka and a new Postgres; both are removed at the end.

    Raises EngineMissingError if no Docker engine answers.
    """
    await asyncio.to_thread(require_engine)
    # driver=None: a plain postgresql:// URL, as asyncpg takes it.
    postgres = PostgresContainer(
        image("postgres"), username="assent", password="assent", dbname="assent", driver=None
    )
    running = _running(ApacheKafkaContainer(image("kafka")), postgres)
    endpoints = await asyncio.to_thread(running.__enter__)
    try:
        yield endpoints
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


def main() -> int:
    """Report whether the tests on containers can run; the exit code states it too."""
    try:
        require_engine()
    except EngineMissingError as error:
        verdict = "FAILED (CI=true demands an engine)" if os.environ.get("CI") == "true" else "NOT RUN"
        print(f"test-containers: {verdict}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

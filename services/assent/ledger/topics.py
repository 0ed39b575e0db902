"""Create the topics of infra/topics.yaml; they are never created by the broker."""

from typing import Literal

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from assent.infra_files import infra_path
from assent_contracts.client.connection import Connection


class TopicSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One topic: `request` partitions means as many as the log has."""

    partitions: Literal["request"] | int
    config: dict[str, str]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    topics: dict[str, TopicSpec]


class TopicsError(Exception):
    """A topic could not be created, or is there with another number of partitions."""


def topic_specs() -> dict[str, TopicSpec]:
    """The topics and their settings, by name."""
    return msgspec.yaml.decode(infra_path("topics.yaml").read_bytes(), type=_File).topics


async def apply_topics(connection: Connection, *, partitions: int, replication_factor: int = 1) -> list[str]:
    """Create the topics that are missing; returns their names. Raises TopicsError, KafkaError."""
    specs = topic_specs()
    wanted = {
        name: partitions if spec.partitions == "request" else spec.partitions for name, spec in specs.items()
    }
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        there = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
        for name, count in wanted.items():
            if name in there and there[name] != count:
                msg = f"{name} has {there[name]} partitions, not {count}: their number is fixed for good."
                raise TopicsError(msg)
        missing = [name for name in wanted if name not in there]
        durable = {"min.insync.replicas": "2"} if replication_factor > 2 else {}
        response = await admin.create_topics(
            [
                NewTopic(
                    name, wanted[name], replication_factor, topic_configs={**specs[name].config, **durable}
                )
                for name in missing
            ]
        )
        for name, code, *reason in response.topic_errors:  # pyright: ignore[reportAttributeAccessIssue]
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                msg = f"{name}: {error.__name__} {reason}"
                raise TopicsError(msg)
    finally:
        await admin.close()
    return missing

"""The topics of a cluster, compared with what infra/topics.yaml requires."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from assent.infra_files import infra_path

PARTITIONS: Final = "partitions"
"""The one property of a topic that is fixed for good."""
_SET_FOR_THE_TOPIC: Final = 1
"""Kafka's number for a value that was set for the topic and is not a default."""
_REPLICAS_MANY: Final = 3
_DURABLE: Final = {"min.insync.replicas": "2"}


class TopicSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One topic. `request` partitions means as many as the log has."""

    partitions: Literal["request"] | int
    config: dict[str, str]

    @property
    def is_of_requests(self) -> bool:
        """Whether it has as many partitions as the log."""
        return self.partitions == "request"

    def count(self, partitions: int) -> int:
        """How many partitions it has in a log with this many request partitions."""
        return self.partitions if isinstance(self.partitions, int) else partitions

    def settings(self, replicas: int) -> dict[str, str]:
        """The required settings, given the number of replicas."""
        return self.config | _DURABLE if replicas >= _REPLICAS_MANY else self.config


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    topics: dict[str, TopicSpec]


class TopicState(msgspec.Struct, frozen=True):
    """One topic, as the brokers have it."""

    partitions: int
    replicas: int
    """The replicas of its first partition."""
    settings: dict[str, str | None]
    """All settings, including defaults."""
    own: dict[str, str]
    """The settings that were made for this topic."""


class TopicDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A setting of a topic that is not as required."""

    topic: str
    setting: str
    found: str | None
    must: str

    @property
    def surplus(self) -> bool:
        """Whether there are partitions that nobody reads, in addition to all the required ones."""
        return self.setting == PARTITIONS and int(self.found or 0) > int(self.must)

    def __str__(self) -> str:
        return f"{self.topic}: {self.setting} is {self.found}, and must be {self.must}"


def topic_specs() -> dict[str, TopicSpec]:
    """The topics and their settings, by name."""
    return msgspec.yaml.decode(infra_path("topics.yaml").read_bytes(), type=_File).topics


async def topic_states(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, TopicState]:
    """The state of those topics that exist. Raises KafkaError."""
    wanted = set(names)
    there = {each["topic"]: each["partitions"] for each in await admin.describe_topics()}
    found = sorted(wanted & there.keys())
    if not found:
        return {}
    settings: dict[str, list[dict[str, Any]]] = {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in found]
    for answer in await admin.describe_configs(asked):
        for resource in answer.to_object()["resources"]:
            if resource["error_code"]:
                raise for_code(resource["error_code"])(resource["error_message"])
            settings[resource["resource_name"]] = resource["config_entries"]
    return {
        name: TopicState(
            partitions=len(there[name]),
            replicas=len(there[name][0]["replicas"]),
            settings={each["config_names"]: each["config_value"] for each in settings[name]},
            own={
                each["config_names"]: each["config_value"]
                for each in settings[name]
                if each["config_source"] == _SET_FOR_THE_TOPIC
            },
        )
        for name in found
    }


def setting_differences(
    specs: Mapping[str, TopicSpec], there: Mapping[str, TopicState]
) -> list[TopicDifference]:
    """Each setting of an existing topic that is not as required. Pure."""
    return [
        TopicDifference(topic=name, setting=setting, found=state.settings.get(setting), must=must)
        for name, state in there.items()
        for setting, must in sorted(specs[name].settings(state.replicas).items())
        if state.settings.get(setting) != must
    ]


def partition_differences(
    specs: Mapping[str, TopicSpec], there: Mapping[str, TopicState], partitions: int
) -> list[TopicDifference]:
    """Each topic whose number of partitions is not the one of such a log. Pure."""
    return [
        TopicDifference(topic=name, setting=PARTITIONS, found=str(state.partitions), must=str(count))
        for name, state in there.items()
        if (count := specs[name].count(partitions)) != state.partitions
    ]


def way_back(difference: TopicDifference) -> str:
    """What to do about a topic with a wrong number of partitions."""
    if difference.surplus:
        return (
            "Kafka cannot remove partitions, and no decider leads while there are more than the log's own."
            " Restore Kafka's data from before, or recreate the topic: see docs/how-to/topics.md."
        )
    return (
        "Part of it was deleted, or it is another log's. Do not add partitions: objects would move between"
        " them. Restore its newest copy, or run with the --partitions that the log was founded with."
    )

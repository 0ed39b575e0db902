"""Create the topics of infra/topics.yaml and correct their settings. The broker creates none by itself."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from assent.ledger.topic_state import (
    TopicDifference,
    TopicSpec,
    TopicState,
    partition_differences,
    setting_differences,
    topic_specs,
    topic_states,
    way_back,
)
from assent_contracts.client.connection import Connection, admin_client

__all__ = ["Applied", "TopicsError", "apply_topics", "topic_specs"]

_SETTLES_S: Final = 15.0
_LOOK_S: Final = 0.1


class TopicsError(Exception):
    """The topics could not be made as required; the message explains what is wrong and what to do."""


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, or would be done in a dry run."""

    created: list[str]
    changed: list[TopicDifference]
    """Settings that were not as required."""
    partitions: list[TopicDifference]
    """Topics with a wrong number of partitions: nothing was done about those, and nothing can be."""

    def must_fit(self, *, surplus: bool = False) -> None:
        """Raises TopicsError for a wrong number of partitions; with `surplus`, only for missing ones."""
        wrong = [each for each in self.partitions if not (surplus and each.surplus)]
        if wrong:
            raise TopicsError(" ".join(f"{each}. {way_back(each)}" for each in wrong))


async def apply_topics(
    connection: Connection, *, partitions: int, replication_factor: int = 1, dry_run: bool = False
) -> Applied:
    """Create the topics that are missing, and correct the settings of the others.

    Raises TopicsError, KafkaError. The number of partitions of a topic is fixed: see `Applied.must_fit`.
    """
    specs = topic_specs()
    admin = admin_client(connection)
    await admin.start()
    try:
        there = await topic_states(admin, specs)
        missing = [name for name in specs if name not in there]
        changed = setting_differences(specs, there)
        if not dry_run:
            # First, what could lose records.
            await _set(admin, specs, there, changed)
            await _create(admin, specs, missing, partitions, replication_factor)
    finally:
        await admin.close()
    return Applied(
        created=missing, changed=changed, partitions=partition_differences(specs, there, partitions)
    )


async def _set(
    admin: AIOKafkaAdminClient,
    specs: dict[str, TopicSpec],
    there: dict[str, TopicState],
    changed: Sequence[TopicDifference],
) -> None:
    names = sorted({each.topic for each in changed})
    if not names:
        return
    # The request replaces everything that was set for a topic, so its other settings are repeated.
    wanted = {name: there[name].own | specs[name].settings(there[name].replicas) for name in names}
    for answer in await admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name, wanted[name]) for name in names]
    ):
        for resource in answer.to_object()["resources"]:
            if resource["error_code"]:
                error = for_code(resource["error_code"])
                msg = f"{resource['resource_name']}: {error.__name__}: {resource['error_message']}"
                raise TopicsError(msg)
    # The controller notifies the brokers a moment later.
    try:
        async with asyncio.timeout(_SETTLES_S):
            # ASYNC110: there is no event to wait for.
            while setting_differences(specs, await topic_states(admin, names)):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        msg = f"The settings of {', '.join(names)} were set, but the brokers do not show it. Run it again."
        raise TopicsError(msg) from None


async def _create(
    admin: AIOKafkaAdminClient,
    specs: dict[str, TopicSpec],
    missing: Sequence[str],
    partitions: int,
    replication_factor: int,
) -> None:
    response = await admin.create_topics(
        [
            NewTopic(
                name,
                specs[name].count(partitions),
                replication_factor,
                topic_configs=specs[name].settings(replication_factor),
            )
            for name in missing
        ]
    )
    for name, code, *reason in response.topic_errors:  # pyright: ignore[reportAttributeAccessIssue]
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            msg = f"{name}: {error.__name__} {reason}"
            raise TopicsError(msg)

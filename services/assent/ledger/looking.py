"""Look at the topics of a log: their partitions, whether a ledger would forget, and who dates commands."""

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from assent_contracts.client.connection import Connection
from assent_contracts.findings import compare_command_settings, compare_ledger_settings, compare_partitions
from assent_contracts.heads import Finding
from assent_contracts.topics import CHANGES, COMMANDS, GOVERNANCE, GOVERNANCE_COMMANDS, LEDGER


async def look_at_topics(connection: Connection, partitions: int) -> list[Finding]:
    """What is wrong with the topics of a log that was founded with so many partitions.

    Raises KafkaError: UnknownTopicOrPartitionError for a topic that is not there.
    """
    admin = AIOKafkaAdminClient(**connection.options())
    try:
        await admin.start()
        topics = [COMMANDS, LEDGER, CHANGES, GOVERNANCE_COMMANDS, GOVERNANCE]
        described = await admin.describe_topics(topics)
        ledgers = {topic: await _settings(admin, topic) for topic in (LEDGER, GOVERNANCE)}
        inputs = {topic: await _settings(admin, topic) for topic in (COMMANDS, GOVERNANCE_COMMANDS)}
    finally:
        await admin.close()
    findings: list[Finding | None] = []
    for topic in described:
        if topic["error_code"]:
            raise for_code(topic["error_code"])
        name = topic["topic"]
        founded = 1 if name in (GOVERNANCE_COMMANDS, GOVERNANCE) else partitions
        findings.append(compare_partitions(name, founded=founded, there=len(topic["partitions"])))
    findings += [compare_ledger_settings(topic, found) for topic, found in ledgers.items()]
    findings += [compare_command_settings(topic, found) for topic, found in inputs.items()]
    return [finding for finding in findings if finding is not None]


async def _settings(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str | None]:
    """A topic's settings, its broker's defaults among them. Raises KafkaError."""
    settings: dict[str, str | None] = {}
    for response in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)]):
        for code, message, _kind, _name, entries in response.resources:  # pyright: ignore[reportAttributeAccessIssue]
            if code:
                error: type[KafkaError] = for_code(code)
                raise error(message)
            settings |= {name: value for name, value, *_ in entries}
    return settings

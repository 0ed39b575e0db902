"""What `assent doctor` checks."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from assent.cli.connection.log_access import (
    LogAccess,
    UnreachableError,
    following_governance,
    governance_of,
    log_access,
)
from assent.cli.diagnosis.check import Check
from assent.cli.diagnosis.faults import with_causes
from assent.cli.diagnosis.governance_checks import governance_checks
from assent.cli.diagnosis.log_checks import (
    RECENT_MS,
    file_finding,
    governance_finding,
    ledger_finding,
    log_time_finding,
    reader_findings,
)
from assent.cli.diagnosis.postgres_side import look_at_postgres
from assent.cli.errors import kafka_sentence, sentence
from assent.cli.log_completeness import (
    deciders_heads,
    missing,
    outside_heads,
    present_log,
)
from assent.cli.options import Options
from assent.decider.heads_file import HeadsFileError
from assent.decider.writer_key_check import load_writer_key, why_not_listed
from assent.founding.first_records import WRITER_KEY
from assent.ledger.topic_inspection import look_at_topics
from assent.ledger.topic_state import (
    TopicDifference,
    setting_differences,
    topic_specs,
    topic_states,
)
from assent.local import StackNotRunning
from assent.local.founded_log import NotFounded
from assent.observe.failure_reasons import kafka_reason
from assent.observe.health import fault_of
from assent.observe.readiness import Readiness, readiness
from assent.process_settings import SettingsError
from assent_contracts.client.connection import admin_client
from assent_contracts.client.follower import GovernanceFollower, NotFoundedError
from assent_contracts.client.keys import KeyFileError
from assent_contracts.client.partition_probe import Probe
from assent_contracts.client.publisher import now_ms
from assent_contracts.heads import Finding, KeptHead
from assent_contracts.topics import GOVERNANCE, LEDGER_TOPICS

LAG_MAX_RECORDS = 10_000


async def examine(options: Options) -> list[Check]:
    """Check everything, as far as possible. Checks that fail because of a fault of the log are marked."""
    return with_causes(await _examine(options))


async def _examine(options: Options) -> list[Check]:
    findings = [_python()]
    try:
        access = log_access(options)
    except (NotFounded, StackNotRunning, SettingsError, UnreachableError) as error:
        return [*findings, Check(ok=False, what="the running log", remedy=sentence(str(error)))]
    findings.append(Check(ok=True, what=f"the log is founded: {access.identity[:16]}…"))
    kafka = await _kafka(access)
    findings += [*kafka, *await _services(access)]
    if not kafka[0].ok:
        return findings
    try:
        async with following_governance(access) as follower:
            findings += await _governance(access, follower)
            findings += _writer(options.data / "keys" / WRITER_KEY, follower)
            findings += await _whole(options, access, follower)
    except KafkaError as error:
        findings.append(_no_kafka("the governance ledger can be read", error))
    except NotFoundedError as error:
        findings.append(Check(ok=False, what="the governance ledger", remedy=sentence(str(error))))
    return findings


async def _services(access: LogAccess) -> list[Check]:
    loop = asyncio.get_running_loop()
    answers = await asyncio.gather(
        *(loop.run_in_executor(None, readiness, url) for url in access.services.values())
    )
    return [
        finding
        for name, said in zip(access.services, answers, strict=True)
        for finding in service_findings(name, said)
    ]


def service_findings(name: str, said: Readiness) -> Iterator[Check]:
    """A finding for a service that is ready, or one for each thing it lacks, and one for each it notes."""
    if not said.missing:
        yield Check(ok=True, what=f"{name} is ready", service=name)
    lacking = {f"is ready ({each})" if each else "is ready": why for each, why in said.missing.items()}
    noted = {f"has all that it asks ({each})": why for each, why in said.noted.items()}
    for what, lacks in (*sorted(lacking.items()), *sorted(noted.items())):
        yield Check(
            ok=False,
            what=f"{name} {what}",
            why=lacks.why,
            remedy=f"{lacks.todo} See logs/{name}.log.",
            service=name,
            follows_from=lacks.fault,
        )


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check(ok=sys.version_info >= (3, 11), what=f"Python {version}", remedy="Use Python 3.11 or newer.")


async def _kafka(access: LogAccess) -> list[Check]:
    admin = admin_client(access.connection)
    specs = topic_specs()
    try:
        await admin.start()
        there = await topic_states(admin, specs)
    except KafkaError as error:
        return [_no_kafka(f"Kafka answers at {access.connection.bootstrap}", error)]
    finally:
        await admin.close()
    missing = sorted(specs.keys() - there.keys())
    return [
        Check(ok=True, what=f"Kafka answers at {access.connection.bootstrap}"),
        Check(
            ok=not missing,
            what=f"{len(specs)} topics",
            remedy=f"Missing: {', '.join(missing)}. `assent topics apply` makes them.",
        ),
        *topic_findings(setting_differences(specs, there)),
    ]


def topic_findings(differences: list[TopicDifference]) -> Iterator[Check]:
    """A finding for each setting of a topic that differs, or a single one when none does."""
    if not differences:
        yield Check(ok=True, what="the topics are set as they must be")
    for each in differences:
        forgets = each.topic in LEDGER_TOPICS.values()
        yield Check(
            ok=False,
            what=f"{each.topic}: {each.setting} = {each.must}",
            why=f"It is {each.found}.",
            remedy="`assent topics apply` sets it."
            + (" Then check whether records were deleted already: `assent audit verify`." if forgets else ""),
        )


def _no_kafka(what: str, error: KafkaError) -> Check:
    remedy = f"{kafka_reason(error).todo} See logs/kafka.log."
    return Check(ok=False, what=what, why=kafka_sentence(error), remedy=remedy)


async def _governance(access: LogAccess, follower: GovernanceFollower) -> list[Check]:
    governance, now = governance_of(follower), now_ms()
    async with Probe(access.connection) as probe:
        since = await probe.first_since(TopicPartition(GOVERNANCE, 0), now - RECENT_MS)
    found = governance_finding(
        governance.seq,
        follower.quarantined,
        is_recent=since is not None
        and follower.last_quarantined is not None
        and follower.last_quarantined >= since,
    )
    return [found, *governance_checks(governance, now)]


def _writer(path: Path, follower: GovernanceFollower) -> list[Check]:
    """Whether the seals of this machine's decider count. If not, everything is up and nothing is decided."""
    if "ASSENT_KAFKA" in os.environ:
        return []
    try:
        reason = why_not_listed(follower, load_writer_key(path))
        remedy = "" if reason is None else f"{reason.why} {reason.todo}"
    except KeyFileError as error:
        remedy = str(error)
    return [Check(ok=not remedy, what="the decider's key is a writer's of this log", remedy=remedy)]


async def _whole(options: Options, access: LogAccess, follower: GovernanceFollower) -> list[Check]:
    """Whether the log has every known head, and how far the readers are."""
    findings: list[Check] = []
    own: list[KeptHead] = []
    try:
        own = deciders_heads(options, access.identity)
    except HeadsFileError as error:
        findings.append(file_finding(error))
    postgres = await look_at_postgres(access, follower)
    findings += postgres.findings
    outside = await outside_heads(access.connection, follower, postgres.heads, own)
    findings.append(log_time_finding(outside, now_ms()))
    there = await present_log(access.connection, follower, outside)
    for name, read in postgres.positions.items():
        findings += reader_findings(name, read, there, follower.losses, LAG_MAX_RECORDS)
    if "audit" in postgres.positions:
        findings.append(ledger_finding(postgres.positions["audit"]))
    less = missing(outside, there, follower) + await look_at_topics(access.connection, follower.partitions)
    findings += [_missing(each) for each in less]
    if not less:
        findings.append(Check(ok=True, what=f"the log holds all {len(outside.known)} known heads"))
    return findings


def _missing(finding: Finding) -> Check:
    return Check(
        ok=False,
        what=f"{finding.place} is whole",
        why=finding.why,
        remedy=finding.todo,
        fault=fault_of(finding.place, finding.kind),
    )

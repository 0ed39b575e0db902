"""What `assent doctor` looks at."""

import asyncio
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from assent.cli.close_calls import Finding, close_calls
from assent.cli.errors import kafka_sentence, sentence
from assent.cli.options import Options
from assent.cli.reach import Reach, UnreachableError, following, governance_of, reach, reading
from assent.ledger.topics import topic_specs
from assent.local import StackNotRunning
from assent.local.founded import NotFounded
from assent.settings import SettingsError
from assent.store.positions import Reader
from assent.store.queries import heads
from assent_contracts.client.follower import GovernanceFollower, NotFoundedError
from assent_contracts.client.publisher import now_ms
from assent_contracts.client.reader import LedgerReader

LAG_MAX_RECORDS = 10_000
_HTTP_LIMIT_S = 3.0
_READERS: tuple[Reader, ...] = ("status", "audit")


async def examine(options: Options) -> list[Finding]:
    """Look at all of it, as far as one can get."""
    findings = [_python()]
    try:
        to = reach(options)
    except (NotFounded, StackNotRunning, SettingsError, UnreachableError) as error:
        return [*findings, Finding(ok=False, what="the running log", remedy=sentence(str(error)))]
    findings.append(Finding(ok=True, what=f"the log is founded: {to.identity[:16]}…"))
    kafka = await _kafka(to)
    findings += [*kafka, *await _services(to)]
    if not kafka[0].ok:
        return findings
    try:
        async with following(to) as follower:
            findings += _governance(follower)
            findings += await _readers(to, follower)
    except KafkaError as error:
        findings.append(Finding(ok=False, what="the governance ledger", remedy=kafka_sentence(error)))
    except NotFoundedError as error:
        findings.append(Finding(ok=False, what="the governance ledger", remedy=sentence(str(error))))
    return findings


async def _services(to: Reach) -> list[Finding]:
    loop = asyncio.get_running_loop()
    answers = await asyncio.gather(
        *(loop.run_in_executor(None, _answer, url) for url in to.services.values())
    )
    return [
        Finding(ok=not answer, what=f"{name} is ready", remedy=f"{answer}. See logs/{name}.log.")
        for name, answer in zip(to.services, answers, strict=True)
    ]


def _answer(url: str) -> str:
    """What is wrong with a service; empty when nothing is."""
    parts = urlsplit(url)
    # Not urlopen: it would ask a proxy for what is on this machine.
    connection = HTTPConnection(parts.netloc, timeout=_HTTP_LIMIT_S)
    try:
        connection.request("GET", f"{parts.path}/readyz")
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace").strip()
    except (OSError, HTTPException) as error:
        return f"It does not answer: {str(error) or type(error).__name__}"
    else:
        return "" if answer.status == HTTPStatus.OK else f"It says: {body}"
    finally:
        connection.close()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        ok=sys.version_info >= (3, 11), what=f"Python {version}", remedy="Use Python 3.11 or newer."
    )


async def _kafka(to: Reach) -> list[Finding]:
    admin = AIOKafkaAdminClient(**to.connection.options())
    try:
        await admin.start()
        there = set(await admin.list_topics())
    except KafkaError as error:
        remedy = f"{kafka_sentence(error)} See logs/kafka.log."
        return [Finding(ok=False, what=f"Kafka at {to.connection.bootstrap}", remedy=remedy)]
    finally:
        await admin.close()
    missing = sorted(topic_specs().keys() - there)
    return [
        Finding(ok=True, what=f"Kafka answers at {to.connection.bootstrap}"),
        Finding(
            ok=not missing,
            what=f"{len(topic_specs())} topics",
            remedy=f"Missing: {', '.join(missing)}. `assent topics apply` makes them.",
        ),
    ]


def _governance(follower: GovernanceFollower) -> list[Finding]:
    governance = governance_of(follower)
    findings = [
        Finding(
            ok=follower.quarantined == 0,
            what=f"governance at seq {governance.seq}, {follower.quarantined} records quarantined",
            remedy="Somebody without the writer's key has written to assent.governance: check the ACLs.",
        )
    ]
    return [*findings, *close_calls(governance, now_ms())]


async def _readers(to: Reach, follower: GovernanceFollower) -> list[Finding]:
    reader = LedgerReader(to.connection, follower, dict.fromkeys(range(governance_of(follower).partitions)))
    await reader.start()
    try:
        ends = await reader.end_offsets()
    finally:
        await reader.stop()
    try:
        async with reading(to) as db:
            positions = {name: await heads(db, name) for name in _READERS}
    except (OSError, asyncpg.PostgresError) as error:
        return [Finding(ok=False, what="Postgres", remedy=f"{sentence(str(error))} See logs/postgres.log.")]
    findings = [Finding(ok=True, what="Postgres answers")]
    for name in _READERS:
        read_to = {partition: head.next_offset for partition, head in positions[name].items()}
        lag = sum(end - read_to.get(partition, 0) for partition, end in ends.items())
        findings.append(
            Finding(
                ok=lag <= LAG_MAX_RECORDS,
                what=f"{name} is {lag:,} records behind the ledger",
                remedy=f"Is the service running? See logs/{name}.log.",
            )
        )
    return findings

"""The applier as a process: it applies released changes to its target."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec
import stamina
import structlog
from aiokafka.errors import KafkaError

from assent.applier.configuration import configuration_of
from assent.applier.target_choice import Limited, open_target
from assent.observe import metrics
from assent.observe.evidence_watch import watch_governance
from assent.observe.failure_reasons import STARTING_OVER, kafka_reason, no_evidence, target_lacks
from assent.observe.health import Health, Reason
from assent.observe.ledger_mismatch import LedgerMismatch
from assent.process import until_stopped
from assent.process_settings import ServiceSettings, SettingsError, need
from assent_contracts.client.applier import STARTS_OVER, STOPPED, Applier
from assent_contracts.client.applier_journal import JournalInUseError, JournalOfAnotherLogError
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handled import Handled
from assent_contracts.client.keys import KeyFileError, SecretKey, load_key
from assent_contracts.heads import Finding
from assent_contracts.topics import LEDGER

_RETRY_MAX_S = 5.0
_SETTLED = ("succeeded", "failed", "unknown")
_SUSPICIOUS = (
    "forged",
    "other-release",
    "not-held",
    "no-evidence",
    "unreadable",
    "refused",
    "failed",
    "unknown",
)
_OF_NO_CONSEQUENCE = ("not-open", "in-hand", "other-type")


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Apply changes until `stop`."""
    key = _key(need(settings.key_file, "ASSENT_KEY_FILE"))
    state = need(settings.state, "ASSENT_STATE")
    configuration = configuration_of(settings.applier_file, settings.target)
    limits = configuration.limits
    target = await open_target(configuration, state, settings.identity)
    follower = GovernanceFollower(settings.kafka, settings.identity, with_evidence=True)
    watch_governance(follower, health)
    await until_stopped(stop, _follow(follower, health))
    if stop.is_set():
        return
    history, partitions = LedgerMismatch(health), follower.partitions
    not_held: set[str] = set()
    applier = Applier(
        settings.kafka,
        follower,
        key,
        state,
        Limited(target, limits.payload_max_bytes).apply,
        read_back=target.read_back if target.reads_back else None,
        types=limits.types,
        concurrency=limits.concurrency,
        time_limit_s=limits.time_limit_s,
        on_handled=lambda handled: tell(handled, health, not_held),
        on_differing=lambda differing: tell_differing(differing, history, partitions),
        on_missing=lambda why: tell_missing(why, health),
    )
    try:
        await applier.run(stop)
    except (JournalInUseError, JournalOfAnotherLogError) as error:
        msg = f"ASSENT_STATE: {error}"
        raise SettingsError(msg) from error
    finally:
        await follower.stop()
        await target.close()


def _key(file: Path) -> SecretKey:
    try:
        return load_key(file)
    except KeyFileError as error:
        msg = f"ASSENT_KEY_FILE: {error}"
        raise SettingsError(msg) from error


def tell_missing(why: str | None, health: Health) -> None:
    """Report that changes are read, or why they are not or none of them can be applied."""
    if why is None:
        health.ready("kafka")
    elif why in (STOPPED, STARTS_OVER):
        health.not_ready("kafka", STARTING_OVER)
    else:
        what, _, todo = why.partition(". ")
        structlog.get_logger().error("no change can be applied", why=f"{what}.", todo=todo)
        health.not_ready("kafka", Reason(why=f"{what}.", todo=todo))


async def _follow(follower: GovernanceFollower, health: Health) -> None:
    async for attempt in stamina.retry_context(
        on=(KafkaError, TimeoutError), attempts=None, timeout=None, wait_max=_RETRY_MAX_S
    ):
        with attempt:
            try:
                await follower.start()
            except (KafkaError, TimeoutError) as error:
                health.not_ready("kafka", kafka_reason(error))
                raise


def tell_differing(differing: Mapping[int, Finding], history: LedgerMismatch, partitions: int) -> None:
    """Report the partitions that are left alone because the ledger there is older than what was applied."""
    for partition in range(partitions):
        finding = differing.get(partition)
        history.tell(f"{LEDGER}/{partition}", None if finding is None else _of_applier(finding))


def _of_applier(finding: Finding) -> Finding:
    return msgspec.structs.replace(
        finding,
        why=f"{finding.why} This applier acted on what is missing, so it applies nothing in this partition.",
        todo=f"{finding.todo} Once a loss is accepted, it continues with its state folder as it is. Compare"
        " the target with the ledger by hand then.",
    )


def tell(handled: Handled, health: Health, not_held: set[str]) -> None:
    """Log one line for each change, or for what claimed to be one.

    `not_held`: the reported requests whose changes the target lacks; this one is added to it.
    A release without evidence needs attention, because someone else has the writer's key. The service is
    ready again after a restart.
    """
    if handled.result in _SETTLED:
        metrics.APPLIED.labels(handled.result).inc()
    if handled.result == "no-evidence":
        metrics.NO_EVIDENCE.labels(str(handled.partition)).inc()
        lacks = f"The release of request {handled.request} lacks evidence: {handled.detail}"
        health.not_ready("evidence", no_evidence(lacks))
    if handled.result == "not-held" and handled.request is not None:
        not_held.add(handled.request)
        health.note("target", target_lacks(len(not_held)))
    log = structlog.get_logger()
    said = msgspec.structs.asdict(handled)
    fields = {name: value for name, value in said.items() if value not in (None, "")}
    if handled.result in _SUSPICIOUS:
        log.warning("handled", **fields)
    elif handled.result in _OF_NO_CONSEQUENCE:
        log.debug("handled", **fields)
    else:
        log.info("handled", **fields)

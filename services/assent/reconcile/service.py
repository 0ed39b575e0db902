"""The reconciler as a process: it compares its target with the ledger on a schedule."""

import asyncio
from typing import Final

import msgspec
import structlog

from assent.observe import metrics
from assent.observe.failure_reasons import Reason
from assent.observe.health import Health
from assent.process import until_stopped
from assent.process_settings import ServiceSettings, need
from assent.reconcile.configuration import FILE, Configuration, read_configuration
from assent.reconcile.reconciler import FAILURES, Reconciler, Run
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.publisher import now_ms
from assent_contracts.client.task_end import pause

COMPARED: Final = "compared"
"""The condition of readiness: the last comparison was made."""
_TODO: Final = "It is tried again at the next time. Nothing is lost: what differs then is reported then."


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Compare every `every_s` until `stop`. Raises SettingsError, KafkaError, NotFoundedError."""
    key = load_key(need(settings.key_file, "ASSENT_KEY_FILE"))
    configuration = read_configuration(need(settings.reconcile_file, FILE))
    need(settings.state, "ASSENT_STATE")
    follower = GovernanceFollower(settings.kafka, settings.identity)
    await until_stopped(stop, follower.start())
    if stop.is_set():
        return
    try:
        await _compare_until(stop, settings, follower, key, configuration, health)
    finally:
        await follower.stop()


async def _compare_until(
    stop: asyncio.Event,
    settings: ServiceSettings,
    follower: GovernanceFollower,
    key: SecretKey,
    configuration: Configuration,
    health: Health,
) -> None:
    assert settings.state is not None
    reconciler = Reconciler(settings.kafka, follower, key, settings.state, configuration)
    await reconciler.start()
    try:
        while not stop.is_set():
            left = await _compare(reconciler, health)
            if left:
                continue
            await pause(stop, configuration.common.every_s)
    finally:
        await reconciler.stop()


async def _compare(reconciler: Reconciler, health: Health) -> bool:
    """Whether there is more to report at once."""
    try:
        run = await reconciler.run()
    except FAILURES as error:
        why = f"The target was not compared: {str(error) or type(error).__name__}"
        health.not_ready(COMPARED, Reason(why, _TODO))
        structlog.get_logger().warning("not compared", why=why)
        return False
    health.ready(COMPARED)
    tell(run)
    return bool(run.left and run.reported)


def tell(run: Run) -> None:
    """Log one line for each finding, and one for the run."""
    log = structlog.get_logger()
    for each in run.reported:
        metrics.FINDINGS.labels(each.kind).inc()
        fields = {name: value for name, value in msgspec.structs.asdict(each).items() if value}
        log.warning("finding", target=run.target, **fields)
    metrics.COMPARED_AT.set(now_ms() / 1_000)
    log.info("compared", target=run.target, findings=len(run.reported), left=run.left)

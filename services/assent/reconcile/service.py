"""The reconciler as a process: it compares its targets with the ledger on a schedule."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
import structlog

from assent.observe import metrics
from assent.observe.failure_reasons import Reason
from assent.observe.health import Health
from assent.process import run_together, until_stopped
from assent.process_settings import ServiceSettings, need
from assent.reconcile.configuration import FILE, Configuration, read_configurations
from assent.reconcile.reconciler import FAILURES, Reconciler, Run
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.publisher import now_ms
from assent_contracts.client.task_end import pause

COMPARED: Final = "compared"
"""The condition of readiness: the last comparison of each target was made."""
_TODO: Final = "It is tried again at the next time. Nothing is lost: what differs then is reported then."


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Compare every `every_s` until `stop`. Raises SettingsError, KafkaError, NotFoundedError."""
    key = load_key(need(settings.key_file, "ASSENT_KEY_FILE"))
    configurations = read_configurations(need(settings.reconcile_file, FILE))
    need(settings.state, "ASSENT_STATE")
    follower = GovernanceFollower(settings.kafka, settings.identity)
    await until_stopped(stop, follower.start())
    if stop.is_set():
        return
    compared = ComparedTargets(health, [each.common.name for each in configurations])
    try:
        # Each reads the ledger by itself, so none waits for another one's target.
        await run_together(
            stop, *(_compare_until(stop, settings, follower, key, each, compared) for each in configurations)
        )
    finally:
        await follower.stop()


class ComparedTargets:
    """The readiness of a process with several targets: once the last run of each has succeeded."""

    def __init__(self, health: Health, names: Sequence[str]) -> None:
        self._health = health
        self._left: dict[str, Reason | None] = dict.fromkeys(names)
        """The targets that were not compared, and why; None for one whose first run has not ended."""

    def compared(self, name: str) -> None:
        """The last run of this target has succeeded."""
        self._left.pop(name, None)
        self._tell()

    def failed(self, name: str, reason: Reason) -> None:
        """The last run of this target has failed."""
        self._left[name] = reason
        self._tell()

    def _tell(self) -> None:
        if not self._left:
            self._health.ready(COMPARED)
        for reason in self._left.values():
            if reason is not None:
                self._health.not_ready(COMPARED, reason)
                return


async def _compare_until(
    stop: asyncio.Event,
    settings: ServiceSettings,
    follower: GovernanceFollower,
    key: SecretKey,
    configuration: Configuration,
    compared: ComparedTargets,
) -> None:
    assert settings.state is not None
    reconciler = Reconciler(settings.kafka, follower, key, settings.state, configuration)
    await reconciler.start()
    try:
        while not stop.is_set():
            left = await _compare(reconciler, configuration.common.name, compared)
            if left:
                continue
            await pause(stop, configuration.common.every_s)
    finally:
        await reconciler.stop()


async def _compare(reconciler: Reconciler, name: str, compared: ComparedTargets) -> bool:
    """Whether there is more to report at once."""
    try:
        run = await reconciler.run()
    except FAILURES as error:
        why = f"The target {name} was not compared: {str(error) or type(error).__name__}"
        compared.failed(name, Reason(why, _TODO))
        structlog.get_logger().warning("not compared", target=name, why=why)
        return False
    compared.compared(name)
    tell(run)
    return bool(run.left and run.reported)


def tell(run: Run) -> None:
    """Log one line for each finding, and one for the run."""
    log = structlog.get_logger()
    for each in run.reported:
        metrics.FINDINGS.labels(run.target, each.kind).inc()
        fields = {name: value for name, value in msgspec.structs.asdict(each).items() if value}
        log.warning("finding", target=run.target, **fields)
    metrics.COMPARED_AT.labels(run.target).set(now_ms() / 1_000)
    log.info("compared", target=run.target, findings=len(run.reported), left=run.left)

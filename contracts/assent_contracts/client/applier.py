"""The applier's client: reads released changes from `assent.changes`, claims, applies and reports them once.

What is trusted. A record on `assent.changes` proves nothing. Before anything else happens, it is compared,
field by field and byte by byte, with the release that the accepted ledger has for its request. A record that
does not match is reported and not claimed. So a sender with write access to the topic cannot make a change
fail or replace it by another one (a digest covers the payload, not the operation). The ledger's writer is not
trusted either: the signed commands in the request's partition must have led to the release, by the rules and
by a governance that has its own evidence. With a stolen writer key alone nothing is applied.

Why positions are not compared. Suppose that a consumer skipped records whose `assent-position` is not higher
than the last that it saw. It would miss a release that is written again. One forged record with a huge
position, or a copy of a real one that is sent early, would make it skip everything after it. This client
reads the ledger instead, which shows for every request whether its change still waits to be claimed. That
identifies old, repeated and forged records, and the header is ignored.

Where its position is stored. `state_dir` has the changes in progress (see `journal`), and the offset before
which every change is in progress or done. To lose the offset costs only time. To lose the changes in progress
makes the outcome of the claimed ones *unknown*, and people settle them.

When the log was restored to an earlier state. `state_dir` also has how far the ledger had been read. If a
partition ends before that, or continues differently, its request ids name other requests than those that were
applied here. Then nothing is claimed, applied or reported there until the right log is back or its loss is
accepted. After an accepted loss this client continues from the end that it states, and warns of what it had
read beyond. `assent.changes` is only transport: if it was recreated, it is read from its beginning. If
`state_dir` is an older copy, `read_back` is called for what was applied since, and `not-held` reports what
the target has lost. Without `read_back` this cannot be found out.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from aiokafka.errors import KafkaError

from assent_contracts.client.applier_journal import Journal
from assent_contracts.client.applier_memory import ApplierMemory
from assent_contracts.client.applier_run import FINISH_S, ApplierRun, ApplierSetup
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handled import Handled
from assent_contracts.client.handler import Handler, ReadBack
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.outage_lines import FEW_LINES
from assent_contracts.client.task_end import pause
from assent_contracts.heads import Finding
from assent_contracts.released_change import Change

__all__ = ["FINISH_S", "Applier", "Change", "Handled"]

_RETRY_MAX_S = 30.0
STOPPED: Final = "stopped"
STARTS_OVER: Final = "starting over"
"""Why no changes are read, if it is not for the account or its key."""

_log = logging.getLogger(__name__)
_log.addFilter(FEW_LINES)


class Applier:
    """Applies released changes, for one principal with the role applier.

    Several may run for one principal, each with its own state folder: they share the partitions. Changes to
    different objects are applied concurrently, up to `concurrency`. Changes to one object are applied in
    order.
    """

    def __init__(
        self,
        connection: Connection,
        governance: GovernanceFollower,
        key: SecretKey,
        state_dir: Path,
        handler: Handler,
        *,
        read_back: ReadBack | None = None,
        types: Collection[str] | None = None,
        concurrency: int = 16,
        time_limit_s: float = 900.0,
        group: str | None = None,
        on_handled: Callable[[Handled], None] | None = None,
        on_missing: Callable[[str | None], None] | None = None,
        on_differing: Callable[[Mapping[int, Finding]], None] | None = None,
    ) -> None:
        """`governance` has been started, with evidence.

        `handler` makes a change, and `read_back` looks whether it was made: see `handler`. The latter is
        called after a crash, when the outcome is unknown, and for what an older target may have lost.
        `time_limit_s`: how long the handler may work on one change, all its tries together.

        `types`: do not claim changes to other resource types. Changes for which the account does not have the
        role applier are not claimed either: they wait for the role, or until they are claimed elsewhere.

        `group`: the consumer group, by default one for each principal. `on_missing` is called when changes
        are not being read any more, or when none can be applied because of the account or its key, with the
        reason. It is called with None when that is over. `on_differing` is called with the partitions of the
        ledger that are no longer the ones that this applier has read, and with the reasons. Nothing is done
        there. An empty mapping means that there are none.
        """
        if governance.evidence is None:
            msg = "An applier judges governance: make its GovernanceFollower with_evidence=True."
            raise ValueError(msg)
        self._setup = ApplierSetup(
            connection=connection,
            governance=governance,
            evidence=governance.evidence,
            key=key,
            handler=handler,
            reads_back=read_back,
            time_limit_s=time_limit_s,
            types=None if types is None else frozenset(types),
            concurrency=concurrency,
            group=group or f"assent-applier-{key.principal}",
            tell=on_handled or _ignore,
            tell_missing=_on_change(on_missing or _ignore),
            tell_differing=on_differing or _ignore,
        )
        self._state_dir = state_dir

    async def run(self, stop: asyncio.Event) -> None:
        """Apply changes until `stop` is set. Changes in progress then have FINISH_S to finish.

        Starts over when Kafka fails. Raises JournalInUseError, JournalOfAnotherLogError, and OSError of the
        state folder.
        """
        setup = self._setup
        journal = Journal(self._state_dir, setup.governance.identity)
        memory = ApplierMemory(setup.connection, setup.governance, journal)
        pause_s = 1.0
        try:
            while not stop.is_set():
                try:
                    await memory.compare()
                    setup.tell_differing(memory.differing)
                    await ApplierRun(setup, journal, memory).until(stop)
                    pause_s = 1.0
                except (KafkaError, TimeoutError) as error:
                    _log.warning("starting over in %g s: %r", pause_s, error)
                    await pause(stop, pause_s)
                    pause_s = min(2 * pause_s, _RETRY_MAX_S)
                finally:
                    setup.tell_missing(STOPPED if stop.is_set() else STARTS_OVER)
        finally:
            await memory.stop()
            await journal.settle()
            journal.close()


def _on_change(tell: Callable[[str | None], None]) -> Callable[[str | None], None]:
    """Tell only what was not the last thing to be told."""
    told: list[str | None] = []

    def tell_news(why: str | None) -> None:
        if told != [why]:
            told[:] = [why]
            tell(why)

    return tell_news


def _ignore(_: object) -> None:
    return

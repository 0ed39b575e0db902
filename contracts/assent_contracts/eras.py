"""Eras: an accepted loss ends one and begins the next. Pure.

A seal on the request ledger is signed in an era, so what was given up does not count again, whoever still has
a copy of it: behind the end that a loss names only that loss's era seals.
"""

from collections.abc import Sequence
from typing import Final

from assent_contracts.governance_objects import LedgerEnd, Loss
from assent_contracts.resources import parse_request_id
from assent_contracts.topics import LedgerName

FIRST_ERA: Final = ""
"""The era of a log before a loss was accepted; from then on it is the id of the last accepted loss."""


def era_of(losses: Sequence[Loss]) -> str:
    """The era that heads are signed in, once these losses were accepted, in order."""
    return losses[-1].era if losses else FIRST_ERA


def era_at(partition: int, seq: int, losses: Sequence[Loss]) -> str:
    """The era in which a partition of the request ledger has the record `seq`, by these losses, in order."""
    loss = loss_before(partition, seq, losses)
    return FIRST_ERA if loss is None else loss.era


def loss_before(partition: int, seq: int, losses: Sequence[Loss]) -> Loss | None:
    """The last loss behind whose end a partition of the request ledger has the record `seq`."""
    return next((loss for loss in reversed(losses) if gives_up(loss, "ledger", partition, seq)), None)


def losses_since(era: str, losses: Sequence[Loss]) -> Sequence[Loss]:
    """The losses that were accepted after an era of the log, of those that governance has, in order.

    None for an era that governance does not know, unless a loss names it as given up: governance itself may
    have been put back.
    """
    if era == FIRST_ERA:
        return losses
    for number, loss in enumerate(losses):
        if era == loss.era:
            return losses[number + 1 :]
        if era in loss.given_up:
            return losses[number:]
    return ()


def knows(loss: Loss, governance: int) -> bool:
    """Whether a record that names this governance seq was decided under a governance that has the loss."""
    end = accepted_end_of(loss, "governance", 0)
    return end is None or governance > end.seq


def gives_up(loss: Loss, ledger: LedgerName, partition: int, seq: int) -> bool:
    """Whether the record `seq` that a ledger partition had is given up with this loss."""
    end = accepted_end_of(loss, ledger, partition)
    return end is not None and end.seq < seq


def gives_up_of(loss: Loss, request: str, seq: int) -> bool:
    """Whether the record `seq` of the partition that a request id names is given up with this loss."""
    place = parse_request_id(request)
    return place is not None and gives_up(loss, "ledger", place[0], seq)


def accepted_end_of(loss: Loss, ledger: LedgerName, partition: int) -> LedgerEnd | None:
    """Where a loss says that a partition ends."""
    return next((end for end in loss.ends if (end.ledger, end.partition) == (ledger, partition)), None)


def is_void(era: str, losses: Sequence[Loss]) -> bool:
    """Whether a head of an era no longer counts, because a loss was accepted since it was signed or read.

    `losses`: what governance has accepted, in order. What an accepted loss says of each ledger's end stands
    in place of all heads of the eras before it. A head of an era that governance does not know counts.
    """
    return bool(losses_since(era, losses))


def is_given_up(ledger: LedgerName, partition: int, seq: int, era: str, losses: Sequence[Loss]) -> bool:
    """Whether the record `seq` of a partition, as it was read in an era, has been given up since."""
    return any(gives_up(loss, ledger, partition, seq) for loss in losses_since(era, losses))

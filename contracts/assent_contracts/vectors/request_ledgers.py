"""Ledgers of requests as attackers, retries and accidents leave them, under a governance that is in order."""

from typing import Final

from msgspec import UNSET

from assent_contracts import limits
from assent_contracts.client.keys import seal_headers
from assent_contracts.digests import sha256_hex
from assent_contracts.ledger import decode_record
from assent_contracts.seal import SEAL_HEADER, WRITER_HEADER
from assent_contracts.topics import LedgerName
from assent_contracts.vectors.spoiled_log import (
    ERA,
    SECOND,
    STRANGER,
    Cases,
    Ledgers,
    Spoiled,
    added,
    retired,
)
from assent_contracts.vectors.vector_forms import Entry, Filler, Headers
from assent_contracts.vectors.vector_log import PARTITION, RECOVERY, WRITER, replaced


def _two_histories(log: Spoiled) -> Ledgers:
    first, other = log.next(epoch=2), log.next(epoch=3)
    return log.ledgers(*map(log.sealed, (first, other, log.next(other), log.next(first))))


def _governance_back_inside_a_run(log: Spoiled) -> Ledgers:
    log.govern(added(SECOND))
    first = log.next(governance=log.seen + 1)
    return log.ledgers(Entry(first), log.sealed(log.next(first, governance=log.seen)))


def _sealed_for(
    log: Spoiled, *, identity: str = "", ledger: LedgerName = "ledger", partition: int = PARTITION
) -> Ledgers:
    value = log.next()
    digest = bytes.fromhex(sha256_hex(value))
    seq = decode_record(value).seq
    identity = identity or log.log.identity
    return log.ledgers(Entry(value, seal_headers(WRITER, identity, ledger, partition, seq, digest)))


def _seal_of_other_bytes(log: Spoiled) -> Ledgers:
    return log.ledgers(Entry(log.next(), log.sealed(log.next(epoch=7)).headers))


def _headers_that_are_no_seal(log: Spoiled) -> Ledgers:
    good = log.sealed(log.next())
    (_, writer), (_, seal) = good.headers
    assert writer is not None
    assert seal is not None
    spoiled: list[Headers] = [
        [(WRITER_HEADER, writer)],
        [(SEAL_HEADER, seal)],
        [(WRITER_HEADER, writer), (SEAL_HEADER, seal[:-4])],
        [(WRITER_HEADER, writer), (SEAL_HEADER, seal + b"==")],
        [(WRITER_HEADER, writer), (SEAL_HEADER, b"\xff")],
        [(WRITER_HEADER, b"\xff"), (SEAL_HEADER, seal)],
        [(WRITER_HEADER, b""), (SEAL_HEADER, seal)],
        [(WRITER_HEADER.title(), writer), (SEAL_HEADER.title(), seal)],
    ]
    return log.ledgers(*(Entry(good.value, headers) for headers in spoiled))


def _headers_that_come_twice(log: Spoiled) -> Ledgers:
    first = log.sealed(log.next())
    spoiled = Entry(first.value, [*first.headers, (SEAL_HEADER, b"AAAA")])
    good = Entry(first.value, [("traceparent", b"00-1"), (WRITER_HEADER, b"nobody"), *first.headers])
    return log.ledgers(spoiled, good)


def _other_command(log: Spoiled) -> Ledgers:
    value = log.values[0]
    changed = value.replace(b'"operation":"edit"', b'"operation":"exit"', 1)
    assert changed != value
    return log.only(Entry(changed, log.honest[0].headers), *log.honest[1:])


def _unreadable(log: Spoiled) -> Ledgers:
    good = log.next()
    seq = decode_record(good).seq
    spoiled = (
        b"",
        b"junk",
        b"[" + good + b"]",
        good + good,
        good[:-1],
        good.replace(b'"seq":%d' % seq, b'"seq":%d.0' % seq),
        good.replace(b'"seq":%d' % seq, b'"seq":"%d"' % seq),
        good.replace(b'"seq":%d' % seq, b'"Seq":%d' % seq),
        good.replace(b'"seq":%d' % seq, b'"seq":null'),
        good.replace(b'"governance":', b'"governance":null,"g":'),
        good.replace(b'"epoch":1,', b""),
        b"\xef\xbb\xbf" + good,
    )
    return log.ledgers(*(log.sealed_as(value, seq) for value in spoiled), log.sealed(good))


def _too_large(log: Spoiled) -> Ledgers:
    return log.ledgers(*_run(log, 1, pad=limits.RECORD_MAX_BYTES))


def _run(log: Spoiled, count: int, *, pad: int = 0) -> tuple[Filler, Entry]:
    """`count` unsealed records, and a sealed one."""
    last = log.requests.accepted[-1]
    start = f',"epoch":1,"at":{last.record.at},"governance":{log.seen},"events":[],"pad":"{{pad}}"}}'
    template = '{"seq":{seq},"prev":"{prev}"' + start
    filler = Filler(template, last.record.seq + 1, last.value_sha256, count, pad)
    return filler, log.sealed(log.next(filler.values()[-1]))


def _added_writer(log: Spoiled) -> Ledgers:
    log.govern(added(SECOND))
    early, later = log.next(), log.next(governance=log.seen + 1)
    return log.ledgers(log.sealed(early, SECOND), log.sealed(later, SECOND))


def _retired_writer(log: Spoiled) -> Ledgers:
    log.govern(added(SECOND))
    log.govern(retired(WRITER))
    changed = log.changed_writers()
    stale, good = log.next(changed, governance=log.seen), log.next(changed)
    return log.ledgers(
        log.sealed(changed, SECOND), log.sealed(stale), log.sealed(good), log.sealed(good, SECOND)
    )


def _retired_writer_early(log: Spoiled) -> Ledgers:
    log.govern(added(SECOND))
    log.govern(retired(WRITER))
    first = log.next()
    second = log.next(first, governance=log.seen + 2)
    return log.ledgers(log.sealed(first), log.sealed(second), log.sealed(second, SECOND))


def _listed_again(log: Spoiled) -> Ledgers:
    log.govern(added(STRANGER))
    return log.ledgers(log.sealed(log.next(governance=log.seen + 1), STRANGER))


def _era(log: Spoiled) -> Ledgers:
    log.govern(log.loss(ERA, 1), key=RECOVERY)
    kept, has_loss = log.values[1], log.seen + 1
    other = log.next(kept, governance=has_loss)
    return log.only(
        *log.honest,
        log.sealed(other),
        log.sealed(log.next(kept), era=ERA),
        log.sealed(other, era=ERA),
        log.sealed(log.next(other, governance=has_loss)),
        log.sealed(log.next(other, governance=has_loss), era=ERA),
    )


CASES: Final[Cases] = {
    "a valid ledger": ("Every record is sealed.", lambda log: log.ledgers()),
    "an empty ledger": ("", lambda log: log.only()),
    "one run": (
        "Only the last record is sealed, and its seal covers those before it.",
        lambda log: log.only(*map(Entry, log.values[:-1]), log.honest[-1]),
    ),
    "an unsealed tail": (
        "What follows the last seal does not count yet.",
        lambda log: log.only(*log.honest[:2], *map(Entry, log.values[2:])),
    ),
    "another run in place of an unsealed one": (
        "A record that fits before a writer's own blocks nothing.",
        lambda log: log.ledgers(Entry(log.next(epoch=9)), log.sealed(log.next())),
    ),
    "a sealed record after an unsealed one that it does not chain to": (
        "A seal covers only what its record chains to.",
        lambda log: log.ledgers(Entry(log.next(epoch=9)), log.sealed(log.next(log.next()))),
    ),
    "a forged position": (
        "A writer's key has sealed a seq that leaves numbers out.",
        lambda log: log.ledgers(log.sealed(log.next(seq=999_999_999)), log.sealed(log.next())),
    ),
    "a wrong prev": (
        "A sealed record that follows no accepted one.",
        lambda log: log.ledgers(log.sealed(log.next(prev="ab" * 32)), log.sealed(log.next())),
    ),
    "a first record that chains to zeros": (
        "Record 0 of requests has the log's identity as its prev.",
        lambda log: log.only(log.sealed(replaced(log.values[0], prev="0" * 64)), *log.honest),
    ),
    "a run with a gap in its offsets": (
        "A record that does not count is between its two records.",
        lambda log: log.only(*log.honest[:2], Entry(log.values[2]), Entry(b"junk"), *log.honest[3:]),
    ),
    "a record without a value": (
        "It ends the run. The same run is accepted once it is complete.",
        lambda log: log.only(
            *log.honest[:2], Entry(log.values[2]), Entry(None), *log.honest[3:], *log.honest[2:]
        ),
    ),
    "a copy of everything": (
        "What was appended twice counts once.",
        lambda log: log.ledgers(*log.honest, log.sealed(log.next())),
    ),
    "two histories": ("The first in log order counts; what continues the other does not.", _two_histories),
    "governance going back": (
        "The record names a lower seq of governance than the one before it.",
        lambda log: log.ledgers(log.sealed(log.next(governance=log.seen - 1)), log.sealed(log.next())),
    ),
    "governance going back inside a run": ("", _governance_back_inside_a_run),
    "a governance seq that does not exist": (
        "No key is listed there.",
        lambda log: log.ledgers(log.sealed(log.next(governance=10**9)), log.sealed(log.next())),
    ),
    "no governance seq": (
        "A record of requests without one is below every seq.",
        lambda log: log.ledgers(log.sealed(log.next(governance=UNSET))),
    ),
    "a seal by a key that is not a writer's": ("", lambda log: log.ledgers(log.sealed(log.next(), SECOND))),
    "a seal by another key under a writer's id": (
        "",
        lambda log: log.ledgers(log.sealed(log.next(), STRANGER)),
    ),
    "a seal by the recovery key": (
        "It seals no record of requests.",
        lambda log: log.ledgers(log.sealed(log.next(), RECOVERY)),
    ),
    "a seal of other bytes": ("", _seal_of_other_bytes),
    "a seal for another partition": ("", lambda log: _sealed_for(log, partition=PARTITION + 1)),
    "a seal for the other ledger": ("", lambda log: _sealed_for(log, ledger="governance")),
    "a seal for another log": ("", lambda log: _sealed_for(log, identity="ab" * 32)),
    "a seal for another era": (
        "No loss was accepted: every record is of the first era.",
        lambda log: log.ledgers(log.sealed(log.next(), era=ERA)),
    ),
    "headers that are not a seal": (
        "One is missing, cut short, padded, not UTF-8, empty or in another case.",
        _headers_that_are_no_seal,
    ),
    "headers that come twice": (
        "The last of a name counts; all others are ignored.",
        _headers_that_come_twice,
    ),
    "an embedded command with other bytes": (
        "One byte of the submission was changed after it was sealed: nothing of the ledger counts.",
        _other_command,
    ),
    "records that are not one JSON object of this form": (
        "Each of them ends the run, though a writer's key has sealed it.",
        _unreadable,
    ),
    "a record with an unknown field": (
        "A later version may add one: readers ignore it.",
        lambda log: log.ledgers(log.sealed(log.next()[:-1] + b',"later":{"a":[1e400]}}')),
    ),
    "a record over 1 MiB": ("It ends the run.", _too_large),
    "the longest run": (
        "So many unsealed records and the sealed one behind them count.",
        lambda log: log.ledgers(*_run(log, limits.RUN_MAX_RECORDS)),
    ),
    "a run that is too long": (
        "It has ended before its seal comes.",
        lambda log: log.ledgers(*_run(log, limits.RUN_MAX_RECORDS + 1)),
    ),
    "a run that is too large": (
        "Beyond 16 MiB it has ended before its seal comes.",
        lambda log: log.ledgers(*_run(log, 17, pad=1_000_000)),
    ),
    "a writer that was added": ("Its key counts from the seq of governance that lists it.", _added_writer),
    "a seal by a retired writer": (
        "Its key ends with the record of the change of writers.",
        _retired_writer,
    ),
    "a seal by a retired writer before that record": (
        "Until then it may seal what names an earlier seq of governance.",
        _retired_writer_early,
    ),
    "a writer's id that is listed again": ("The first key under an id stays.", _listed_again),
    "an era after an accepted loss": (
        "Beyond the end that the loss names only its era seals, under a governance that has the loss.",
        _era,
    ),
}

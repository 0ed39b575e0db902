"""Which parts of the ledger have lost records that were read before, for clients of a gateway.

The tables still have rows of the lost records, so readers of those rows are warned.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from assent_contracts.heads import Finding
from assent_contracts.topics import LEDGER

LOST_HEADER: Final = "assent-log-incomplete"
"""A list (RFC 8941) of partitions: `assent.ledger/3;kind=cut;known=9;found=4`. Absent while nothing is
lost."""
_SHOWN_MAX: Final = 40
_PLACE_MAX_CHARS: Final = 60


def lost_parts(findings: Mapping[int, Finding]) -> list[Finding]:
    """The findings about the ledger itself, in the order of its partitions."""
    return [finding for _, finding in sorted(findings.items()) if finding.topic == LEDGER]


def lost_header(lost: Iterable[Finding]) -> str:
    """The header's value; empty when nothing is lost."""
    return ", ".join(f"{each.place};kind={each.kind};known={each.known};found={each.found}" for each in lost)


def places_in(header: str) -> list[str]:
    """The places that a header names. The header is not trusted."""
    parts = header.split(",", _SHOWN_MAX)[:_SHOWN_MAX]
    places = (part.partition(";")[0].strip()[:_PLACE_MAX_CHARS] for part in parts)
    return [place for place in places if place]

"""Which parts of the ledger are less than what was read of them, between a gateway and its clients.

The tables still hold rows of what is gone: whoever reads them there is told so.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from assent_contracts.heads import Finding
from assent_contracts.topics import LEDGER

LOST_HEADER: Final = "assent-log-incomplete"
"""A list of RFC 8941, of partitions: `assent.ledger/3;kind=cut;known=9;found=4`. Not there while all is."""
_SHOWN_MAX: Final = 40
_PLACE_MAX_CHARS: Final = 60


def lost_parts(findings: Mapping[int, Finding]) -> list[Finding]:
    """Of what is found about partitions: what the ledger itself lacks, in their order."""
    return [finding for _, finding in sorted(findings.items()) if finding.topic == LEDGER]


def lost_header(lost: Iterable[Finding]) -> str:
    """The header's value; empty for nothing."""
    return ", ".join(f"{each.place};kind={each.kind};known={each.known};found={each.found}" for each in lost)


def places_in(header: str) -> list[str]:
    """The places that a header names, whoever has sent it."""
    parts = header.split(",", _SHOWN_MAX)[:_SHOWN_MAX]
    places = (part.partition(";")[0].strip()[:_PLACE_MAX_CHARS] for part in parts)
    return [place for place in places if place]

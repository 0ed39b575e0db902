"""What to search the services' logs for, to find the lines about one request."""

from collections.abc import Iterable
from typing import Final

from assent_contracts.resources import parse_request_id

_SEQS_MAX: Final = 20


def log_search(request: str, seqs: Iterable[int]) -> str:
    """In words: the field `request`, and the positions of its records, which lie within those of a line.

    `seqs`: of the ledger's records on the request, in order.
    """
    place = parse_request_id(request)
    assert place is not None, "a request that is shown has an id"
    partition, first = place
    found = list(dict.fromkeys((first, *seqs)))
    named = ", ".join(str(seq) for seq in found[:_SEQS_MAX])
    more = f" and {len(found) - _SEQS_MAX} more" if len(found) > _SEQS_MAX else ""
    return f"request {request}, and partition {partition} with first_seq <= N <= last_seq, N: {named}{more}"

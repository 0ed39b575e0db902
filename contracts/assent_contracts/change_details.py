"""What a submission can say about its change besides what is changed and why. Every field is optional.

An absent field means nothing. A policy can demand some of them (R24).
"""

from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from assent_contracts import limits
from assent_contracts.digests import DIGEST_PATTERN
from assent_contracts.resources import REQUEST_ID_PATTERN

Demand = Literal["impact", "fallback", "tested", "expected", "emergency", "tickets"]
"""R24: a field that a policy can demand."""
DEMANDS: Final[tuple[Demand, ...]] = get_args(Demand)


class HashedReference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Something that shows how the change was tested, fixed by its hash."""

    what: Annotated[
        str,
        Meta(
            description="What it is, for people.",
            extra_json_schema={"minLength": 1, "maxLength": limits.TESTED_WHAT_MAX_CHARS},
        ),
    ]
    sha256: Annotated[
        str,
        Meta(description="SHA-256 of its bytes, hex.", extra_json_schema={"pattern": f"^{DIGEST_PATTERN}$"}),
    ]
    uri: (
        Annotated[
            str,
            Meta(
                description="Where it is.",
                extra_json_schema={"minLength": 1, "maxLength": limits.URI_MAX_CHARS},
            ),
        ]
        | UnsetType
    ) = UNSET


def _text(description: str, max_chars: int) -> Meta:
    # The limits are in the schema only. `change_detail_limits` checks them, to answer with the right refusal.
    return Meta(description=description, extra_json_schema={"minLength": 1, "maxLength": max_chars})


def _list(description: str, max_items: int) -> Meta:
    return Meta(description=description, extra_json_schema={"minItems": 1, "maxItems": max_items})


Impact = Annotated[str, _text("What the change affects, and how much.", limits.IMPACT_MAX_CHARS)]
Fallback = Annotated[str, _text("How the change is taken back.", limits.FALLBACK_MAX_CHARS)]
Expected = Annotated[
    str, _text("What should be observed once the change is applied.", limits.EXPECTED_MAX_CHARS)
]
TestedList = Annotated[tuple[HashedReference, ...], _list("How the change was tested.", limits.TESTED_MAX)]
Emergency = Annotated[
    bool, Meta(description="Whether it cannot wait. It has only the effects that a policy states.")
]
Ticket = Annotated[
    str,
    Meta(
        description="An id in another system, such as CHG-2041: printable ASCII without spaces.",
        extra_json_schema={"minLength": 1, "maxLength": limits.TICKET_MAX_CHARS},
    ),
]
Tickets = Annotated[tuple[Ticket, ...], _list("The tickets that the change belongs to.", limits.TICKETS_MAX)]


Version = Annotated[
    str,
    Meta(
        description="A version of an object, as its target names it (an ETag, a commit): printable ASCII"
        " without spaces.",
        extra_json_schema={"minLength": 1, "maxLength": limits.VERSION_MAX_CHARS},
    ),
]
Base = Annotated[Version, Meta(description="R26: the version of the object from which the change was made.")]


NotBefore = Annotated[
    int, Meta(description="R27: when the change can be released at the earliest, ms since 1970 in UTC.")
]
NotAfter = Annotated[
    int, Meta(description="R27: until when the change can be claimed, ms since 1970 in UTC.")
]


Members = Annotated[
    int,
    Meta(
        description="R29: this is a set: the payload lists so many members.",
        extra_json_schema={"minimum": 1, "maximum": limits.SET_MEMBERS_MAX},
    ),
]
PartOf = Annotated[
    str,
    Meta(
        description="R29: the request of the set that this change is a member of. It is decided there.",
        extra_json_schema={"pattern": f"^{REQUEST_ID_PATTERN}$"},
    ),
]


class ChangeDetails(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The optional fields of a submission, which are shown in full to approvers (R23)."""

    impact: Impact | UnsetType = UNSET
    fallback: Fallback | UnsetType = UNSET
    tested: TestedList | UnsetType = UNSET
    expected: Expected | UnsetType = UNSET
    emergency: Emergency | UnsetType = UNSET
    tickets: Tickets | UnsetType = UNSET
    base: Base | UnsetType = UNSET
    not_before: NotBefore | UnsetType = UNSET
    not_after: NotAfter | UnsetType = UNSET
    members: Members | UnsetType = UNSET
    part_of: PartOf | UnsetType = UNSET


NO_DETAILS: Final = ChangeDetails()


def details_of(carrier: msgspec.Struct) -> ChangeDetails:
    """The details alone, of a submission or of another struct with these fields."""
    return ChangeDetails(**{name: getattr(carrier, name) for name in ChangeDetails.__struct_fields__})

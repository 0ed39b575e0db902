"""The invariants of sets (R29), in a few lines of their own, as in `model.py`."""

from typing import Any, Final

from tests.simulation.boundaries import must
from tests.simulation.organisation import GATEWAY

Key = tuple[str, str, str]
"""Object, operation and digest: what a set lists of a member."""
_ENDS: Final = frozenset(
    f"request-{how}" for how in ("rejected", "completed", "failed", "canceled", "expired", "closed")
)


class Sets:
    """The sets and members of one ledger, event by event."""

    def __init__(self, *, lost: bool) -> None:
        """`lost`: whether a loss was accepted. A gateway's old command may then be decided in another
        history, and name other requests. What holds even then: nothing is applied without its set.
        """
        self._lost = lost
        self._listed: dict[str, set[Key]] = {}
        self._members: dict[str, tuple[str, Key]] = {}
        """The set that each member names."""
        self._open: set[str] = set()
        self._whole: set[str] = set()
        self._released: set[str] = set()
        self._fates: dict[tuple[str, Key], str] = {}

    def is_set(self, request: str) -> bool:
        """Whether a request is a set."""
        return request in self._listed

    def is_member(self, request: str) -> bool:
        """Whether a request names a set."""
        return request in self._members

    def _unless_lost(self, holds: object, what: str) -> None:
        must(bool(holds) or self._lost, what)

    def applied(self, request: str) -> None:
        """A change that was applied: of a member only with its set."""
        if request in self._members:
            name, key = self._members[request]
            is_of_set = name in self._released and key in self._listed[name]
            must(is_of_set, f"{request} is applied without its set {name}")

    def submitted(self, event: dict[str, Any], command: dict[str, Any]) -> None:
        """A new request."""
        request = event["request"]
        if "members" in event:
            members = command["payload"]["members"]
            self._listed[request] = {
                (each["resource"], each["operation"], each["digest"]) for each in members
            }
            must(len(self._listed[request]) == event["members"], f"{request} lists other members")
            self._open.add(request)
        elif "part_of" in event:
            key = (event["resource"], command["operation"], event["digest"])
            self._members[request] = (event["part_of"], key)
            self._open.add(request)

    def moved(self, kind: str, request: str, sender: str | None) -> None:
        """An event of an open request; `sender`: of the command that caused it."""
        if request in self._members:
            self._member_moved(kind, request, sender)
        elif request in self._listed:
            self._set_moved(kind, request, sender)
        else:
            must(kind != "members-reserved", f"{request} is no set, and is confirmed")
        if kind in _ENDS:
            self._open.discard(request)

    def _member_moved(self, kind: str, request: str, sender: str | None) -> None:
        name, key = self._members[request]
        is_listed = key in self._listed.get(name, ())
        must(kind not in ("approval-given", "request-approved", "rejection-given"), f"{request}: {kind}")
        if kind == "change-released":
            self._unless_lost(
                name in self._released and is_listed, f"{request} is released without its set {name}"
            )
        elif kind == "request-canceled":
            must(sender == GATEWAY, f"{request} is canceled by {sender}, not with its set {name}")
            is_too_early = is_listed and name in self._open
            self._unless_lost(not is_too_early, f"{request} is freed while its set {name} is open")
        if kind in _ENDS:
            self._fates[name, key] = kind

    def _set_moved(self, kind: str, request: str, sender: str | None) -> None:
        listed = self._listed[request]
        if kind == "members-reserved":
            must(sender == GATEWAY, f"{request} is confirmed by {sender}")
            held = {
                key for each, (name, key) in self._members.items() if name == request and each in self._open
            }
            self._unless_lost(held >= listed, f"{request} is confirmed without {listed - held}")
            self._whole.add(request)
        elif kind in ("approval-given", "rejection-given", "change-released"):
            must(request in self._whole, f"{request}: {kind} before its members are there")
            if kind == "change-released":
                self._released.add(request)
        must(kind != "change-claimed", f"{request} is a set, and is claimed")
        if kind in ("request-completed", "request-failed"):
            must(sender == GATEWAY and request in self._released, f"{request}: {kind} by {sender}")
            fates = [self._fates.get((request, key)) for key in listed]
            self._unless_lost(None not in fates, f"{request}: {kind} before its members have ended")
            done = all(fate == "request-completed" for fate in fates)
            self._unless_lost(
                done == (kind == "request-completed"), f"{request}: {kind}, and its members: {fates}"
            )

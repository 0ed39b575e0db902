"""The findings of one target, as the accepted ledger has them. Pure."""

from collections.abc import Collection
from typing import Final

import msgspec

from assent_contracts.commands import FindingKind
from assent_contracts.events import Event, FindingReported

Identity = tuple[FindingKind, str | None, str | None]
"""The kind, version and request of a finding."""

ROW: Final = "row:"
"""The prefix of versions that name a row of the table of applied releases."""


class Finding(msgspec.Struct, frozen=True, gc=False):
    """A finding that is to be reported, or that was."""

    kind: FindingKind
    resource: str
    version: str | None = None
    request: str | None = None
    by: str | None = None
    detail: str = ""
    is_history: bool = False
    """Whether it is an entry of the target's history. Others are about what the target shows now."""

    @property
    def identity(self) -> Identity:
        """What makes two reports the same."""
        return self.kind, self.version, self.request


class KnownFindings:
    """Its one owner advances it with `take`."""

    def __init__(self, target: str) -> None:
        self._target: Final = target
        self._history: dict[str, set[Identity]] = {}
        self._shown: dict[str, FindingReported] = {}
        """The newest finding of each object about what the target shows."""
        self._newest: dict[str, FindingReported] = {}

    def take(self, events: tuple[Event, ...], *, of_git: bool) -> None:
        """Consume the events of an accepted record. `of_git`: whether the target is a git repository."""
        for event in events:
            if isinstance(event, FindingReported) and event.target == self._target:
                self._newest[event.resource] = event
                if is_history(event.kind, _text(event.version), of_git=of_git):
                    self._history.setdefault(event.resource, set()).add(identity_of(event))
                else:
                    self._shown[event.resource] = event

    def objects(self) -> Collection[str]:
        """The objects with a finding about what the target shows."""
        return self._shown.keys()

    def newest(self, resource: str) -> FindingReported | None:
        """The newest finding of an object."""
        return self._newest.get(resource)

    def shown(self, resource: str) -> FindingReported | None:
        """The newest finding of an object that is about what the target shows, and not about its history."""
        return self._shown.get(resource)

    def is_newest_shown(self, resource: str) -> bool:
        """Whether no entry of the history was found of the object since the finding that `shown` returns."""
        return self._newest.get(resource) is self._shown.get(resource)

    def is_known(self, finding: Finding) -> bool:
        """Whether it need not be reported: it was, or nothing else was shown since it was."""
        if finding.is_history:
            return finding.identity in self._history.get(finding.resource, ())
        shown = self._shown.get(finding.resource)
        return shown is not None and (
            identity_of(shown) == finding.identity or shown.kind == finding.kind == "restored"
        )


def is_history(kind: FindingKind, version: str | None, *, of_git: bool) -> bool:
    """Whether a finding is an entry of the target's history: a commit, or a row of applied releases."""
    return kind == "unexplained" and (of_git or (version or "").startswith(ROW))


def identity_of(event: FindingReported) -> Identity:
    """The identity of a reported finding."""
    return event.kind, _text(event.version), _text(event.request)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

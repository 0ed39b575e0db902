"""R26: the newest version of each object, as appliers have reported it."""

from typing import Final, Self

OBJECTS_MAX: Final = 100_000
"""Objects of one partition with a known version. The one reported longest ago is forgotten first."""


class ObjectVersions:
    """The known versions of one partition's objects. Computed from its ledger alone, so every reader agrees.

    An object whose newest version is not known is in none: it was never reported, or was forgotten, or a
    later change was made without saying its version.
    """

    def __init__(self) -> None:
        self._newest: dict[str, str] = {}
        """By resource, in the order of their reports."""

    def __eq__(self, other: object) -> bool:
        """Whether both know the same versions, reported in the same order."""
        return isinstance(other, ObjectVersions) and list(self._newest.items()) == list(other._newest.items())

    __hash__ = None  # pyright: ignore[reportAssignmentType]  it changes

    def newest(self, resource: str) -> str | None:
        """The newest known version of an object; None if it is not known."""
        return self._newest.get(resource)

    def changed(self, resource: str, version: str | None) -> None:
        """Note that a change to the object was made, with this version, or with an unknown one."""
        self._newest.pop(resource, None)
        if version is None:
            return
        self._newest[resource] = version
        if len(self._newest) > OBJECTS_MAX:
            del self._newest[next(iter(self._newest))]

    def content(self) -> dict[str, str]:
        """The newest versions by resource, in the order of their reports. It is shared with this object."""
        return self._newest

    @classmethod
    def of(cls, content: dict[str, str]) -> Self:
        """The versions with this content, which they take over."""
        made = cls()
        made._newest = content
        return made

    def __len__(self) -> int:
        """How many objects have a known version."""
        return len(self._newest)

"""An account and a key, as they stand now."""

import msgspec

from assent_contracts.governed import Account

Windows = tuple[tuple[int, int], ...]
"""Log times (ms), each from <= at < to."""


class Principal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An account as it stands now: registered, and enabled or not."""

    account: Account
    enabled: bool = True
    vanished: bool = False
    """Disabled because the directory no longer has it: if it comes back there, it is enabled again."""

    @property
    def id(self) -> str:
        """The account's id."""
        return self.account.id

    @property
    def person(self) -> str | None:
        """R9: who is behind a human account; None for a service."""
        return self.account.person


class Key(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A principal's public key and when it is valid: not_before <= log time < not_after."""

    principal: str
    public_key: bytes
    not_before: int
    not_after: int
    revoked: bool = False

    def is_valid(self, at: int) -> bool:
        """Whether it may sign at log time `at` (ms)."""
        return not self.revoked and self.not_before <= at < self.not_after

"""The clients: an upstream publishes signed changes, an applier applies what was released.

    with connect() as assent:
        outcome = assent.submit("app/payroll", "edit", {"limit": 5}, justification="Asked for").wait_applied()

    run_applier(handler, types=["dns-record"])

These names are what such a program needs. The modules have the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from assent_contracts.client.applier import Applier
    from assent_contracts.client.applier_process import keep_applying, run_applier
    from assent_contracts.client.assent_connection import NoKeyError, RefusedError
    from assent_contracts.client.connection import Connection
    from assent_contracts.client.environment import SettingsError
    from assent_contracts.client.follower import GovernanceFollower
    from assent_contracts.client.handled import Handled
    from assent_contracts.client.handler import (
        Applied,
        FinalError,
        Handler,
        ReadBack,
        Release,
        RetryableError,
        UnknownOutcomeError,
    )
    from assent_contracts.client.keys import KeyFileError, SecretKey, load_key
    from assent_contracts.client.publisher import Decided, NotDecidedError, NotPublishedError, Publisher
    from assent_contracts.client.request_updates import RequestUpdate
    from assent_contracts.client.set_submission import MemberRefusedError, SetChange, SubmittedSet, submit_set
    from assent_contracts.client.upstream import Submitted, Upstream, connect
    from assent_contracts.client.upstream_async import AsyncSubmitted, AsyncUpstream, connect_async

_MODULES: Final = {
    "applier": ("Applier",),
    "applier_process": ("keep_applying", "run_applier"),
    "assent_connection": ("NoKeyError", "RefusedError"),
    "connection": ("Connection",),
    "environment": ("SettingsError",),
    "follower": ("GovernanceFollower",),
    "handled": ("Handled",),
    "handler": (
        "Applied", "FinalError", "Handler", "ReadBack", "Release", "RetryableError", "UnknownOutcomeError",
    ),
    "keys": ("KeyFileError", "SecretKey", "load_key"),
    "publisher": ("Decided", "NotDecidedError", "NotPublishedError", "Publisher"),
    "request_updates": ("RequestUpdate",),
    "set_submission": ("MemberRefusedError", "SetChange", "SubmittedSet", "submit_set"),
    "upstream": ("Submitted", "Upstream", "connect"),
    "upstream_async": ("AsyncSubmitted", "AsyncUpstream", "connect_async"),
}  # fmt: skip
_WHERE: Final = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Applied", "Applier", "AsyncSubmitted", "AsyncUpstream", "Connection", "Decided", "FinalError",
    "GovernanceFollower", "Handled", "Handler", "KeyFileError", "MemberRefusedError", "NoKeyError",
    "NotDecidedError", "NotPublishedError", "Publisher", "ReadBack", "RefusedError", "Release",
    "RequestUpdate", "RetryableError", "SecretKey", "SetChange", "SettingsError", "Submitted",
    "SubmittedSet", "UnknownOutcomeError", "Upstream", "connect", "connect_async", "keep_applying",
    "load_key", "run_applier", "submit_set",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # A program that needs one of them does not load the others.
    module = _WHERE.get(name)
    if module is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{module}"), name)

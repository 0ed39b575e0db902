"""`python -m tests.support.killed_applier STEP`: the real applier, killed (SIGKILL) at one step.

Settings come from the environment, as for `python -m assent.applier`.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from assent.applier.service import serve
from assent.applier.targets.files.folder import Folder
from assent.process import run_service
from assent_contracts.client.applier_journal import Journal
from assent_contracts.client.connection import Connection
from assent_contracts.client.consumer_group import Membership

STEPS = {
    "taken in hand": (Journal, "begin", "after", None),
    "claim made": (Journal, "write", "after", "claim"),
    "claim decided": (Journal, "begin_to_apply", "before", None),
    "begun": (Journal, "begin_to_apply", "after", None),
    "file written": (Folder, "apply", "after", None),
    "mark written": (Journal, "write", "before", "report"),
    "report made": (Journal, "write", "after", "report"),
    "report decided": (Journal, "drop", "before", None),
    "position kept": (Journal, "keep_position", "after", None),
}


def die_at(step: str) -> None:
    owner, name, when, part = STEPS[step]
    real: Callable[..., Any] = getattr(owner, name)

    def until_then(self: Any, *arguments: Any) -> Any:
        due = part is None or part in arguments
        if due and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(self, *arguments)
        if due:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, name, until_then)


def in_a_group_of_its_own() -> None:
    """Otherwise it would wait until the session of the one that was killed before has expired."""
    join = Membership.__init__

    def alone(
        self: Membership, connection: Connection, topic: str, group: str, **_instance: str | None
    ) -> None:
        join(self, connection, topic, f"{group}-{os.getpid()}")

    Membership.__init__ = alone


if __name__ == "__main__":
    die_at(sys.argv[1])
    in_a_group_of_its_own()
    run_service("applier", serve, "kafka")

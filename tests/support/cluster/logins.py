"""The logins of the cluster: one for each program, with a password in a file of its own."""

import secrets
from pathlib import Path
from typing import Final

from assent.ledger.acl_rights import role_rights

ADMIN: Final = "admin"
"""Kafka's super user."""
KAFKA_LOGINS: Final = (ADMIN, *role_rights())
OWNER: Final = "assent"
"""Owns the database."""
REPLICA: Final = "replica"
POSTGRES_ROLES: Final = {
    "audit": "assent_audit",
    "cli": "assent_reader",
    "decider": "assent_reader",
    "gateway": "assent_gateway",
    "notify": "assent_notify",
    "status": "assent_status",
    "upstream": "assent_upstream",
}
"""The role that each login of Postgres is a member of: those that the services act in."""


class Passwords:
    """Passwords, made when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder

    def file(self, server: str, login: str) -> Path:
        """The file with a login's password on `kafka` or `postgres`, for its owner alone."""
        path = self._folder / f"{server}.{login}"
        if not path.exists():
            path.touch(0o600)
            path.write_text(secrets.token_urlsafe(24) + "\n")
        return path

    def of(self, server: str, login: str) -> str:
        """The password itself."""
        return self.file(server, login).read_text().strip()

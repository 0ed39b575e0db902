"""Postgres refuses to run as root: the account it runs as in that case, and what that account can reach."""

import fcntl
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

from assent.local.child_process import SystemUser

_NAME = "pgserver"  # the Postgres wheel uses the same name for this
_ANYBODY_READS = stat.S_IRGRP | stat.S_IROTH
_ANYBODY_ENTERS = stat.S_IXGRP | stat.S_IXOTH


class NoSystemUser(Exception):  # noqa: N818  the name is the message
    """Root has no other account to run Postgres as, and cannot make one."""


def user_for_postgres() -> SystemUser | None:
    """None for an ordinary user, who runs Postgres directly; for root the account `pgserver`.

    The account is made when it is missing. Raises NoSystemUser.
    """
    if os.geteuid() != 0:
        return None
    # One at a time: two at once would make the account twice, and the second would replace the first one's
    # id.
    directory = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        try:
            entry = pwd.getpwnam(_NAME)
        except KeyError:
            entry = _make_user()
    finally:
        os.close(directory)
    return SystemUser(entry.pw_uid, entry.pw_gid)


def let_reach(path: Path, progress: Callable[[str], None]) -> None:
    """Let all users pass through the directories above `path`, but not list them."""
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            progress(f"Postgres runs as {_NAME}: allowing passage through {parent} (chmod o+x)")
            parent.chmod(mode | stat.S_IXOTH)


def let_read(folder: Path) -> None:
    """Let all users read what is in `folder`, for packages that were installed with a strict umask."""
    if not folder.exists() or folder.stat().st_mode & stat.S_IXOTH:
        return
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            enters = _ANYBODY_ENTERS if mode & stat.S_IXUSR else 0
            path.chmod(mode | _ANYBODY_READS | enters)


def _make_user() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    advice = f"create the system account {_NAME}, or start this as an ordinary user"
    if useradd is None:
        raise NoSystemUser(f"Postgres does not run as root, and there is no useradd here: {advice}")
    command = [useradd, "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", _NAME]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    try:
        return pwd.getpwnam(_NAME)
    except KeyError:
        raise NoSystemUser(f"useradd {_NAME} failed ({made.stderr.strip()}): {advice}") from None

"""Become another program that ends when the process that started it ends.

    python die_with_parent.py PARENT_PID SIGNAL USER PROGRAM [ARGUMENT ...]

USER is `-` or `uid:gid`. This file uses only the standard library and is run by its path, because it runs
between fork and exec of every child. The order matters: a change of user clears the death signal.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, signal, user, *argv = sys.argv[1:]
    if user != "-":
        uid, gid = (int(number) for number in user.split(":"))
        os.setgroups([gid])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal), 0, 0, 0)
        if os.getppid() != int(parent):  # it ended before the signal was set
            sys.exit(1)
    try:
        os.execvp(argv[0], argv)  # noqa: S606  no shell is needed
    except OSError as error:
        sys.exit(f"cannot run {argv[0]}: {error.strerror}")


main()

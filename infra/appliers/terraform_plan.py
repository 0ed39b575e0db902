"""Shows, applies or looks for a saved plan of Terraform or OpenTofu, named by its SHA-256. Needs only Python.

The command of terraform-plan.toml. The payload is on the standard input. Exit codes of `apply`: 0 applied,
10 nothing was changed and it will not work, 20 nothing was changed and a later try may work. Exit codes of
`look`: 0 the plan was applied, 1 it was not. Any other exit code means that it is not known.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NoReturn

FINAL, LATER, NOT_MADE, UNKNOWN = 10, 20, 1, 2
PLAN_MAX_BYTES = 64 * 1024 * 1024


def main(action: str) -> None:
    payload = json.load(sys.stdin)
    digest = payload.get("sha256") if isinstance(payload, dict) else None
    if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
        stop(FINAL, "The payload has no sha256 of a plan.")
    stored = Path(os.environ["PLANS"]) / f"{digest}.tfplan"
    mark = Path(os.environ["PLANS"]) / f"{digest}.applied"
    try:
        with stored.open("rb") as file:
            content = file.read(PLAN_MAX_BYTES + 1)
    except OSError as error:
        stop(LATER, f"The plan {digest} is not there: {error.strerror}.")
    if len(content) > PLAN_MAX_BYTES or hashlib.sha256(content).hexdigest() != digest:
        stop(FINAL, f"The file of the plan {digest} has another digest.")
    with tempfile.TemporaryDirectory() as folder:
        # A copy, so that what is applied is what was hashed.
        plan = Path(folder) / "plan"
        plan.write_bytes(content)
        {"apply": apply, "look": look, "show": show}[action](plan, mark)


def apply(plan: Path, mark: Path) -> None:
    if not mark.exists():
        done = terraform("apply", "-input=false", "-no-color", str(plan))
        said = done.stdout + done.stderr
        if done.returncode:
            stop(*meaning_of(said, done.returncode))
        mark.write_text("applied\n")
    print(f"version: {state_position()[1]}")
    print("The plan is applied.")


def look(plan: Path, mark: Path) -> None:
    if mark.exists():
        print(f"version: {state_position()[1]}")
        print("The plan is applied.")
    elif state_position() == planned_position(plan):
        stop(NOT_MADE, "The state is the one that the plan was made from.")
    else:
        stop(UNKNOWN, "The state has changed since the plan was made, by this plan or by something else.")


def show(plan: Path, mark: Path) -> None:
    shown = terraform("show", "-no-color", str(plan))
    if shown.returncode:
        stop(FINAL, shown.stderr)
    print("It is applied already." if mark.exists() else shown.stdout)


def meaning_of(said: str, code: int) -> tuple[int, str]:
    if "Error acquiring the state lock" in said:
        return LATER, "The state is locked."
    if any(
        each in said for each in ("Saved plan is stale", "does not match the given state", "checksum error")
    ):
        return FINAL, f"Terraform refuses the plan: {last_line(said)}"
    return code if code not in (FINAL, LATER) else UNKNOWN, last_line(said)


def state_position() -> tuple[str | None, int | None]:
    """Lineage and serial of the state; two Nones if there is none."""
    pulled = terraform("state", "pull")
    if pulled.returncode:
        stop(UNKNOWN, pulled.stderr)
    state = json.loads(pulled.stdout) if pulled.stdout.strip() else {}
    return state.get("lineage"), state.get("serial")


def planned_position(plan: Path) -> tuple[str | None, int | None]:
    with zipfile.ZipFile(plan) as archive:
        state = json.loads(archive.read("tfstate"))
    # A plan for an empty state names a lineage of its own, and nothing was there.
    return (state["lineage"], state["serial"]) if state.get("serial") else (None, None)


def terraform(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "TF_CLI_CONFIG_FILE": os.devnull,
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
    }
    argv = [os.environ.get("TERRAFORM", "terraform"), *arguments]
    return subprocess.run(  # noqa: S603  the operator's program
        argv, cwd=os.environ["WORKSPACE"], env=environment, capture_output=True, text=True, check=False
    )


def last_line(said: str) -> str:
    lines = [line.strip(" │╷╵") for line in said.splitlines() if "Error" in line] or said.splitlines()[-1:]
    return lines[0] if lines else ""


def stop(code: int, why: str) -> NoReturn:
    sys.stderr.write(f"{why}\n")
    sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1])

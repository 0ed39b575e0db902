"""`python -m tests.fuzz --inputs 1000000 --seed 7`: prints each finding with the options that repeat it."""

import argparse
import base64
import secrets
import sys
import time
import traceback

from tests.fuzz.run import RECEIVERS, attempt, fuzz


def main() -> int:
    """Fuzz, or repeat one input. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--receiver", help="repeat one input: the receiver's name")
    parser.add_argument("--input", help="and the input in base64")
    asked = parser.parse_args()
    if asked.input is not None:
        receiver = next(each for each in RECEIVERS if each.name == asked.receiver)
        error = attempt(receiver, base64.b64decode(asked.input))
        if error is not None:
            traceback.print_exception(error)
        return 0 if error is None else 1
    print(f"{asked.inputs:,} inputs to {len(RECEIVERS)} receivers, seed {asked.seed}", flush=True)
    started = time.monotonic()

    def progress(done: int) -> None:
        print(f"{done:>12,}  {time.monotonic() - started:8.0f} s", flush=True)

    findings = fuzz(asked.inputs, asked.seed, progress)
    for finding in findings:
        print(f"\n--- {finding.receiver}")
        traceback.print_exception(finding.error, limit=-6, file=sys.stdout)
        text = base64.b64encode(finding.data).decode()
        print(f"repeat: python -m tests.fuzz --receiver {finding.receiver!r} --input {text[:4_000]}")
    print(f"\n{len(findings)} findings in {time.monotonic() - started:.0f} s; seed {asked.seed}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

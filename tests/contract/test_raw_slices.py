"""The functions of contracts/README.md that cut a member out of JSON give the bytes that were signed."""

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

import assent_contracts
from tests.contract.examples import GOLDEN
from tests.contract.test_vectors import read
from tests.support.npm_packages import NODE

_README: Final = (Path(assent_contracts.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
_JACKSON: Final = "com.fasterxml.jackson.core:jackson-core:2.21.1"
_NODE_USE: Final = """
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const sliced = cases.map(({ value, path }) => {
  let text = decoder.decode(Buffer.from(value, 'base64'))
  for (const name of path) text = rawMembers(text).get(name)
  return Buffer.from(text, 'utf8').toString('base64')
})
console.log(JSON.stringify(sliced))
"""
_JAVA_USE: Final = """
import com.fasterxml.jackson.core.*;
import java.io.IOException;
import java.util.*;

class Use {
  public static void main(String[] arguments) throws IOException {
    for (String line : new String(System.in.readAllBytes()).split("\\n")) {
      String[] words = line.split(" ");
      byte[] found = Base64.getDecoder().decode(words[0]);
      for (int at = 1; at < words.length; at++) found = rawMember(found, words[at]);
      System.out.println(Base64.getEncoder().encodeToString(found));
    }
  }
"""


def cases() -> list[dict[str, Any]]:
    """Bytes, the names that lead to a slice of them, and that slice. All bytes in base64."""
    found = [
        {"value": case["value"], "path": ["payload"], "slice": case["payload"]}
        for case in read("payloads")["commands"]
        if "value" in case and "payload" in case
    ]
    record = (GOLDEN / "records/submission.json").read_bytes()
    command = json.loads((GOLDEN / "signed/command.json").read_bytes())["value"].encode()
    [payload] = re.findall(rb'"payload":(.*)\}$', command)
    for path, part in ((["command", "value"], command), (["command", "value", "payload"], payload)):
        found.append({"value": _base64(record), "path": path, "slice": _base64(part)})
    return found


def _base64(part: bytes) -> str:
    return base64.b64encode(part).decode()


def program(language: str) -> str:
    [text] = re.findall(rf"```{language}\n(.*?)```", _README, flags=re.DOTALL)
    return text


def test_in_javascript() -> None:
    wanted = cases()
    assert len(wanted) > 30
    done = subprocess.run(
        [str(NODE), "-e", program("js") + _NODE_USE],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    for case, sliced in zip(wanted, json.loads(done.stdout), strict=True):
        assert sliced == case["slice"], base64.b64decode(case["value"])


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.skipif(shutil.which("mvn") is None, reason="there is no Maven here, which needs a JDK")
def test_in_java(tmp_path: Path) -> None:
    copied = subprocess.run(
        ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={_JACKSON}", f"-DoutputDirectory={tmp_path}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    if copied.returncode:
        pytest.skip(f"Jackson cannot be downloaded here: {copied.stdout}")
    (tmp_path / "Use.java").write_text(_JAVA_USE + program("java") + "}\n", encoding="utf-8")
    wanted = cases()
    lines = "\n".join(" ".join([case["value"], *case["path"]]) for case in wanted)
    done = subprocess.run(
        ["java", "-cp", f"{tmp_path}/*", "Use.java"],
        cwd=tmp_path,
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    for case, sliced in zip(wanted, done.stdout.split(), strict=True):
        assert sliced == case["slice"], base64.b64decode(case["value"])

"""Debian's Prometheus: its tool, and the server with the product's rules."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.support.optional_tools import skip_or_fail
from tests.support.services import dies_with_us

RULES: Final = Path(__file__).parents[2] / "infra/prometheus/alerts.yaml"
_LIMIT_S: Final = 60.0
_PROMTOOL_LIMIT_S: Final = 100.0
"""Its test of the rules takes 4 s of processor time, and much longer on a busy machine."""


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`; skips the test where there is none."""
    found = shutil.which(name)
    if found is None:
        skip_or_fail(f"there is no {name} here: make prometheus")
    return found


def promtool(
    *arguments: str, folder: Path | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """What promtool answers."""
    return subprocess.run(
        [program("promtool"), *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_PROMTOOL_LIMIT_S,
        check=False,
    )


class Prometheus:
    """A server that scrapes and evaluates each second."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=10)

    def get(self, path: str, **parameters: str) -> Any:
        answer = self._client.get(f"/api/v1/{path}", params=parameters)
        answer.raise_for_status()
        return answer.json()["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        return self.get("query", query=expression)["result"]

    def firing(self) -> set[str]:
        return {
            each["labels"]["alertname"] for each in self.get("alerts")["alerts"] if each["state"] == "firing"
        }

    def until(self, holds: Callable[[], bool], what: str = "") -> None:
        """Wait until this holds; on failure every series of ours that is not 0 is printed."""
        deadline = time.monotonic() + _LIMIT_S
        while True:
            try:
                if holds():
                    return
            except httpx.HTTPError:
                pass  # It is starting, and may not answer or say that it is not ready.
            if time.monotonic() > deadline:
                print(*self.query('{__name__=~"assent_.+|up"} != 0'), sep="\n")
                raise AssertionError(what)
            time.sleep(0.2)

    def until_true(self, expression: str) -> None:
        """Wait until a query has a result."""
        self.until(lambda: bool(self.query(expression)), expression)

    def close(self) -> None:
        self._client.close()


@contextmanager
def scraping(folder: Path, ports: Mapping[str, int], port: int) -> Iterator[Prometheus]:
    """Prometheus with the product's rules; `ports`: of the services, by name; `port`: its own, free one."""
    jobs = [
        {"job_name": f"assent-{name}", "static_configs": [{"targets": [f"127.0.0.1:{at}"]}]}
        for name, at in ports.items()
    ]
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": jobs,
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [
                *dies_with_us(),
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'series'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    prometheus = Prometheus(f"http://127.0.0.1:{port}")
    try:
        yield prometheus
    finally:
        prometheus.close()
        process.terminate()
        process.wait(_LIMIT_S)

"""What is measured now, how far it has come, and how long the whole run will take."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.bench.child import Told


class Steps:
    """Progress over steps whose durations are estimated in advance, in seconds."""

    def __init__(self, console: Console, seconds: float) -> None:
        """`seconds`: the estimate for all of them."""
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description:40}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=console,
            speed_estimate_period=120.0,
        )
        self._all = self._progress.add_task("all", total=round(seconds))
        self._before = 0.0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, description: str, seconds: float) -> Iterator[Told]:
        """One step that is estimated to take `seconds`; yields a function that reports its progress."""
        task = self._progress.add_task(description, total=None)
        if not self._console.is_terminal:
            self._console.print(description)

        def told(done: int, of: int) -> None:
            self._progress.update(task, completed=done, total=of)
            self._progress.update(self._all, completed=round(self._before + seconds * done / max(of, 1)))

        try:
            yield told
        finally:
            self._before += seconds
            self._progress.update(self._all, completed=round(self._before))
            self._progress.remove_task(task)

    def say(self, line: str) -> None:
        """A line that stays on the screen."""
        self._console.print(line)

"""Few log lines while Kafka is unavailable: aiokafka alone writes dozens of them a second."""

import logging
import time
from typing import Final

AGAIN_AFTER_S: Final = 10.0
_AIOKAFKA: Final = "aiokafka"


class FewLines(logging.Filter):
    """Of the warnings and errors that say the same, one each `again_after_s` passes, with how many did not.

    All of aiokafka's count as one. Others are the same if they have the same logger and text before its
    values are filled in.
    """

    def __init__(self, again_after_s: float = AGAIN_AFTER_S) -> None:
        """Add it to the loggers on which the lines are written."""
        super().__init__()
        self._again_after_s = again_after_s
        self._passed: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if record.levelno < logging.WARNING:
            return True
        name, now = record.name, time.monotonic()
        key = _AIOKAFKA if name.startswith(_AIOKAFKA) else f"{name} {record.msg}"
        last = self._passed.get(key)
        if last is not None and now - last < self._again_after_s:
            self._held[key] = self._held.get(key, 0) + 1
            return False
        self._passed[key] = now
        held = self._held.pop(key, 0)
        if held:
            record.msg, record.args = f"{record.getMessage()} ({held} more such lines since the last one)", ()
        return True


FEW_LINES: Final = FewLines()


def few_lines_of_aiokafka() -> None:
    """Have all loggers of aiokafka write few lines. A filter on their parent would not be asked."""
    for name in [*logging.root.manager.loggerDict]:
        if name == _AIOKAFKA or name.startswith(f"{_AIOKAFKA}."):
            logging.getLogger(name).addFilter(FEW_LINES)

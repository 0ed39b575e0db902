"""What the services of `assent up` report of a lost part of the log, told once for each part."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from assent.observe.health import Reason
from assent.observe.readiness import Readiness, readiness

_LOOK_EVERY_S: Final = 2.0


def lost_places(said: Mapping[str, Readiness]) -> dict[str, Reason]:
    """One reason for each lost part of the log: the first one in the order of the services."""
    places: dict[str, Reason] = {}
    for each in said.values():
        for reason in each.missing.values():
            if reason.place:
                places.setdefault(reason.place, reason)
    return places


class LossNotices:
    """Checks the services regularly."""

    def __init__(self, urls: Mapping[str, str], tell: Callable[[str], None]) -> None:
        """`urls`: where each service answers. `tell` gets lines for people."""
        self._urls = urls
        self._tell = tell
        self.places: dict[str, Reason] = {}
        """What was lost at the last look."""

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def look(self) -> None:
        """Ask every service, and report what is new."""
        answers = await asyncio.gather(*(asyncio.to_thread(readiness, url) for url in self._urls.values()))
        before, self.places = self.places, lost_places(dict(zip(self._urls, answers, strict=True)))
        for place in self.places.keys() - before.keys():
            self._tell(f"{self.places[place].why} {self.places[place].todo}")
        for place in before.keys() - self.places.keys():
            self._tell(f"{place} is no longer reported as missing.")

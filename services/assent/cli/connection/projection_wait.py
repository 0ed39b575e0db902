"""Wait until the tables of status and audit have what was decided a moment ago."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

_LOOK_EVERY_S: Final = 0.03
_T = TypeVar("_T")


async def projected(look: Callable[[], Awaitable[_T | None]], *, within_s: float) -> _T | None:
    """What `look` finds in the tables, as soon as it does; None when that takes longer than `within_s`.

    It looks at least once. Raises what `look` raises.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    while (found := await look()) is None:
        if asyncio.get_running_loop().time() > deadline:
            return None
        await asyncio.sleep(_LOOK_EVERY_S)
    return found

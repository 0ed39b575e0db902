"""All of the console's addresses: every handler in a module of this package.

So a page is only its module, its template and its texts, and cannot be forgotten here.
"""

import importlib
import pkgutil
from collections.abc import Iterator

from litestar import Router
from litestar.handlers import HTTPRouteHandler

from assent.gateway import console as package
from assent.gateway.console.static_files import send_static


def _handlers() -> Iterator[HTTPRouteHandler]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if found.name != __name__:
            for value in vars(importlib.import_module(found.name)).values():
                if isinstance(value, HTTPRouteHandler) and value is not send_static:
                    yield value


PAGES = tuple(dict.fromkeys(_handlers()))


def console_router() -> Router:
    """The pages of the console and their static files."""
    return Router(
        "/",
        route_handlers=[*PAGES, send_static],
        include_in_schema=False,
    )

"""Apprise, imported when it is first needed, and silent: what it logs may hold tokens and addresses."""

import logging
from typing import Any, Final

NAME: Final = "Assent"


def instance_of(url: str) -> Any | None:
    """Apprise's object for a URL; None when it takes the URL for wrong. Nothing is connected.

    It takes a second the first time: not in an event loop. It follows no redirect and reads no template.
    """
    _silence()
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(app_id=NAME, app_desc=NAME, app_url="", http_redirects=False, allow_templates=False)
    return Apprise.instantiate(url, asset=asset)


def parts_of(url: str) -> dict[str, Any] | None:
    """What Apprise itself makes of a URL: schema, host, qsd (the options) and more; None when it is wrong."""
    _silence()
    from apprise.plugins import url_to_dict

    return url_to_dict(url)


def _silence() -> None:
    logging.getLogger("apprise").disabled = True

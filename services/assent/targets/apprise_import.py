"""Apprise, imported when first needed and with its log disabled: that may contain tokens and addresses."""

import logging
from typing import Any, Final

NAME: Final = "Assent"


def instance_of(url: str) -> Any | None:
    """Apprise's object for a URL; None when Apprise considers the URL wrong. Nothing is connected.

    The first call takes a second, so do not call it in an event loop. It follows no redirect and reads no
    template.
    """
    _silence()
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(app_id=NAME, app_desc=NAME, app_url="", http_redirects=False, allow_templates=False)
    return Apprise.instantiate(url, asset=asset)


def parts_of(url: str) -> dict[str, Any] | None:
    """How Apprise parses a URL: schema, host, qsd (the options) and more; None when it is wrong."""
    _silence()
    from apprise.plugins import url_to_dict

    return url_to_dict(url)


def _silence() -> None:
    logging.getLogger("apprise").disabled = True

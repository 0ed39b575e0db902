"""All of the console's addresses."""

from litestar import Router

from assent.gateway.console.acting import act_on
from assent.gateway.console.audit import export_found, search
from assent.gateway.console.directory import DIRECTORY
from assent.gateway.console.health import show_health
from assent.gateway.console.lists import LISTS
from assent.gateway.console.notifications import NOTIFICATIONS
from assent.gateway.console.policies import POLICIES
from assent.gateway.console.request_form import send_form, show_form
from assent.gateway.console.request_page import send_payload, show_content, show_request_page
from assent.gateway.console.static_files import send_static

PAGES = (
    *LISTS,
    show_form,
    send_form,
    show_request_page,
    send_payload,
    show_content,
    act_on,
    *POLICIES,
    *DIRECTORY,
    search,
    export_found,
    *NOTIFICATIONS,
    show_health,
)


def console() -> Router:
    """The pages of the console and their files."""
    return Router(
        "/",
        route_handlers=[*PAGES, send_static],
        include_in_schema=False,
    )

"""The site builds strictly, loads nothing from other hosts, and its reference is complete."""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import msgspec
import pytest

from assent.applier.targets.command.table import VARIABLES
from assent.cli.app import app
from assent.gateway.gateway_settings import GatewaySettings, OidcSettings, read_gateway_settings
from assent.notify.notify_settings import read_notify_settings
from assent.process_settings import read_settings
from infra.docs.build import build
from infra.docs.rules import named_tests, read_rules
from infra.docs.settings import STRUCTS, kafka_settings, settings_of
from tests.docs.pages import DOCS, pages

ROOT: Final = DOCS.parent
_LOADED: Final = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: a broken link or anchor is an error."""
    return build(tmp_path_factory.mktemp("site") / "docs")


class _Loads(HTMLParser):
    """What a page loads by itself, and its text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(_LOADED.get(tag, ""))
        if address is not None and dict(attrs).get("rel") != "canonical":
            self.addresses.append(address)


def test_site_builds_strictly_with_every_page(site: Path) -> None:
    for page in pages():
        assert (site / page.relative_to(DOCS).with_suffix(".html")).is_file(), page
    for name in (
        "rules",
        "refusals",
        "settings",
        "topics",
        "rights",
        "tables",
        "metrics",
        "cli",
        "http",
        "python",
    ):
        assert (site / "reference" / f"{name}.html").stat().st_size > 10_000, name


def test_site_loads_nothing_from_other_hosts(site: Path) -> None:
    built = sorted(site.rglob("*.html"))
    assert len(built) > 60
    for page in built:
        for address in _Loads(page).addresses:
            assert not re.match(r"(https?:)?//", address), f"{page}: {address}"
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import", style.read_text(encoding="utf-8")), style


def test_pages_are_short_and_contain_no_machine_paths() -> None:
    for page in pages():
        text = page.read_text(encoding="utf-8")
        assert text.count("\n") < 300, page
        assert not re.search(r"/(root|home|work|tmp)/", text), page


def test_every_rule_has_a_sentence_and_a_test() -> None:
    rules = [rule.id for rule in read_rules()]
    assert rules == [f"R{number}" for number in range(1, len(rules) + 1)]
    tests = named_tests()
    assert [rule for rule in rules if not tests[rule]] == []
    assert sorted(set(tests) - set(rules)) == []


def test_every_setting_that_the_services_read_is_listed() -> None:
    listed = {each.variable for each in kafka_settings()}
    listed |= {each.variable for title in STRUCTS for each in settings_of(title)}
    listed |= {"ASSENT_CACHE", *VARIABLES}
    read: set[str] = set()
    for path in (ROOT / "services").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                read |= set(re.findall(r"\AASSENT_[A-Z_]+[A-Z]\Z", node.value))
    # With the commands that read them: the command line's own.
    assert sorted(read - listed) == ["ASSENT_AS", "ASSENT_DATA", "ASSENT_KEY", "ASSENT_SERVER"]


def test_documented_defaults_are_those_that_are_read() -> None:
    environ = {"ASSENT_KAFKA": "broker:9092", "ASSENT_IDENTITY": "0" * 64}
    oidc = environ | {"ASSENT_OIDC_ISSUER": "https://issuer.example", "ASSENT_OIDC_CLIENT_ID": "client"}
    gateway, with_provider = read_gateway_settings(environ), read_gateway_settings(oidc)
    assert with_provider.oidc is not None
    read = {
        "Every service": read_settings(environ),
        "Gateway": gateway,
        "Gateway: event streams": gateway.live,
        "Gateway: OpenID Connect": with_provider.oidc,
        "Notify": read_notify_settings(environ),
    }
    for title, settings in read.items():
        values = {_shown(getattr(settings, field.name)) for field in msgspec.structs.fields(settings)}
        for each in settings_of(title):
            assert not each.default or each.default in values, each


def _shown(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def test_every_field_of_the_settings_is_described() -> None:
    for struct in (GatewaySettings, OidcSettings):
        title = "Gateway" if struct is GatewaySettings else "Gateway: OpenID Connect"
        # These two are structs of their own, and the slow limits cannot be set from outside.
        count = len(struct.__struct_fields__) - (3 if struct is GatewaySettings else 0)
        assert len(settings_of(title)) == count


def test_every_command_is_in_the_reference(site: Path) -> None:
    text = (site / "reference" / "cli.html").read_text(encoding="utf-8")
    for name in app:
        if not name.startswith("-"):
            assert f'id="assent-{name}"' in text, name

"""One form of a gateway's address, however an operator writes it, and a refusal of invalid ones."""

import pytest

from assent.gateway.gateway_settings import read_gateway_settings
from assent.gateway.public_address import hosts_of, names_loopback, normal_url, origins_of
from assent.process_settings import SettingsError


@pytest.mark.parametrize(
    ("written", "url", "hosts"),
    [
        ("https://assent.example", "https://assent.example", {"assent.example"}),
        ("https://assent.example/", "https://assent.example", {"assent.example"}),
        ("HTTPS://Assent.Example:443", "https://assent.example", {"assent.example"}),
        ("https://assent.example:8443", "https://assent.example:8443", {"assent.example:8443"}),
        ("https://assent.example:80", "https://assent.example:80", {"assent.example:80"}),
        ("https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443", {"[2001:db8::1]:8443"}),
        ("http://127.0.0.2:8700", "http://127.0.0.2:8700", {"127.0.0.2:8700"}),
        ("http://LOCALHOST:80", "http://localhost", {"localhost", "127.0.0.1", "[::1]"}),
        ("http://[::1]", "http://[::1]", {"localhost", "127.0.0.1", "[::1]"}),
        (
            "http://127.0.0.1:8700",
            "http://127.0.0.1:8700",
            {"localhost:8700", "127.0.0.1:8700", "[::1]:8700"},
        ),
    ],
)
def test_hosts_and_origins_are_those_of_the_public_address_as_browsers_write_them(
    written: str, url: str, hosts: set[str]
) -> None:
    assert normal_url(written) == url
    assert read_gateway_settings({"ASSENT_PUBLIC_URL": written}).public_url == url
    assert hosts_of(url) == hosts
    scheme = url.partition(":")[0]
    assert origins_of(url) == {f"{scheme}://{host}" for host in hosts}


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("https://admin:hush@assent.example", "contains a user name or password"),
        ("https://@assent.example", "contains a user name or password"),
        ("https://assent.example:65536", "[pP]ort"),
        ("https://assent.example:-1", "[pP]ort"),
        ("https://assent.example:x", "[pP]ort"),
        ("https://assent.example:", "port is not valid"),
        ("https://assent.example:0", "port is not valid"),
        ("https://assent.example?", "more than a scheme and host"),
        ("https://assent.example/console", "more than a scheme and host"),
        ("https://", "not a scheme and host"),
        ("assent.example", "not a scheme and host"),
        ("ftp://assent.example", "not a scheme and host"),
        ("https://ässent.example", "ASCII form"),
        ("https://assent example", "ASCII form"),
        ("https://[::1", "Invalid IPv6"),
        ("https://[1:2]", ""),
    ],
)
def test_invalid_address_is_refused_by_name_without_its_password(written: str, words: str) -> None:
    with pytest.raises(SettingsError, match=f"ASSENT_PUBLIC_URL.*{words}") as raised:
        read_gateway_settings({"ASSENT_PUBLIC_URL": written})
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("host", ["localhost", "LocalHost:1", "127.0.0.1:8700", "[::1]", "[::1]:8700"])
def test_host_header_of_this_machine_is_accepted(host: str) -> None:
    assert names_loopback(host)


@pytest.mark.parametrize(
    "host", ["", ":8700", "evil.example:8700", "localhost.evil.example", "::1", "127.0.0.2"]
)
def test_any_other_host_header_is_not(host: str) -> None:
    assert not names_loopback(host)

"""A wrong or missing setting is named, with what to do, before anything connects."""

import pytest

from assent_contracts.client.applier_process import run_applier
from assent_contracts.client.environment import SettingsError, read_connection, read_identity
from assent_contracts.client.keys import KeyFileError
from assent_contracts.client.upstream import connect

GOOD = {"ASSENT_KAFKA": "localhost:9092", "ASSENT_IDENTITY": "a" * 64}


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "Set ASSENT_KAFKA: host:port of the brokers"),
        ({"ASSENT_KAFKA": "localhost"}, "ASSENT_KAFKA must be host:port"),
        ({"ASSENT_KAFKA": "localhost:9092"}, "Set ASSENT_IDENTITY"),
        (GOOD | {"ASSENT_IDENTITY": "AB" * 32}, "64 hex digits"),
        (GOOD | {"ASSENT_KAFKA_SECURITY_PROTOCOL": "TLS"}, r"ASSENT_KAFKA_\*"),
    ],
)
def test_setting_that_is_missing_or_wrong_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message), connect(environ):
        pass


def test_good_settings_are_read() -> None:
    assert read_connection(GOOD).bootstrap == "localhost:9092"
    assert read_identity(GOOD) == "a" * 64


def test_key_file_that_is_not_there_is_named() -> None:
    with (
        pytest.raises(KeyFileError, match=r"no/such\.key"),
        connect(GOOD | {"ASSENT_KEY_FILE": "no/such.key"}),
    ):
        pass


def test_applier_needs_a_key_and_a_state_folder() -> None:
    with pytest.raises(SettingsError, match="Set ASSENT_KEY_FILE"):
        run_applier(lambda _: None, environ=GOOD)

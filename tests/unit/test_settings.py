"""What a process is configured with: an impossible setting is named before anything starts."""

import tomllib
from pathlib import Path
from typing import Final

import pytest

from assent.process_settings import SettingsError, read_connection
from assent.store.ledger_stream import broker_for

_ROOT: Final = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("kafka:9092", ["kafka:9092"]),
        ("a:9092,b:9093", ["a:9092", "b:9093"]),
        (" a:9092 , b:9093,", ["a:9092", "b:9093"]),
        ("[::1]:9092,10.0.0.1:9092", ["[::1]:9092", "10.0.0.1:9092"]),
    ],
)
async def test_every_client_gets_each_address_separately(text: str, addresses: list[str]) -> None:
    connection = read_connection({"ASSENT_KAFKA": text})
    assert connection.options()["bootstrap_servers"] == addresses
    assert broker_for(connection).specification.url == addresses


@pytest.mark.parametrize(
    "text", [",", "kafka", "a:9092;b:9092", "a:9092 b:9092", "PLAINTEXT://a:9092", "u:p@a:9092", "a:9092,b:"]
)
def test_invalid_addresses_are_named(text: str) -> None:
    with pytest.raises(SettingsError, match=r"ASSENT_KAFKA must be host:port of the brokers"):
        read_connection({"ASSENT_KAFKA": text})


def test_clients_of_the_contracts_read_every_compression_codec() -> None:
    project = tomllib.loads((_ROOT / "contracts/pyproject.toml").read_text())["project"]
    [aiokafka] = [each for each in project["optional-dependencies"]["kafka"] if each.startswith("aiokafka")]
    extras = aiokafka.partition("[")[2].partition("]")[0].split(",")
    assert {"lz4", "snappy", "zstd"} <= set(extras), aiokafka

import aiokafka.partitioner
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent_contracts.partitioner import murmur2, partition_for

KAFKAS_OWN = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
    b"": 275646681,
}
"""Expected values from Kafka's own tests (UtilsTest.testMurmur2), as signed 32-bit numbers."""


@pytest.mark.parametrize(("data", "signed"), KAFKAS_OWN.items())
def test_murmur2_matches_kafka(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed & 0xFFFFFFFF


@given(st.binary(max_size=400))
def test_murmur2_matches_aiokafka(data: bytes) -> None:
    assert murmur2(data) == aiokafka.partitioner.murmur2(data) & 0xFFFFFFFF


@given(st.binary(min_size=1, max_size=64), st.integers(1, 1_024))
def test_key_goes_to_the_partition_that_kafka_s_default_partitioner_chooses(
    key: bytes, partitions: int
) -> None:
    everywhere = list(range(partitions))
    assert partition_for(key, partitions) == aiokafka.partitioner.DefaultPartitioner()(
        key, everywhere, everywhere
    )

"""A short run of the fuzzer; `make fuzz` is the long one."""

import secrets

import pytest

from tests.fuzz.run import RECEIVERS, attempt, fuzz

INPUTS = 5_000
FOUND = {
    "export file": (
        # A founding that the identity does not match, with an invalid key or with unknown events.
        '{{"assent_export":1,"identity":"{zeros}","parts":[["governance",0,1]]}}\n'
        '{{"ledger":"governance","partition":0,"writer":"w","seal":"AAAA","value":"{{\\"seq\\":0,'
        '\\"prev\\":\\"{zeros}\\",\\"epoch\\":1,\\"at\\":1,\\"events\\":{events}}}"}}\n'
    ),
    "founding": '"a - at `$.-" = 1',
}
EVENTS = (
    (
        '[{\\"type\\":\\"assent.log-founded.v1\\",\\"founding\\":'
        '{\\"founder\\":\\"x\\",\\"writers\\":{\\"w\\":\\"!\\"},\\"partitions\\":1}}]'
    ),
    "[7]",
)


@pytest.mark.parametrize("seed", [1, secrets.randbelow(1 << 32)], ids=["fixed", "fresh"])
def test_every_receiver_answers_any_input(seed: int) -> None:
    findings = fuzz(INPUTS, seed)
    assert not findings, f"python -m tests.fuzz --inputs {INPUTS} --seed {seed}"


@pytest.mark.parametrize("events", EVENTS)
def test_export_whose_founding_is_not_the_log_s_is_a_finding_whatever_it_contains(events: str) -> None:
    _answers("export file", FOUND["export file"].format(zeros="0" * 64, events=events).encode())


@pytest.mark.parametrize("text", [FOUND["founding"], '[settings]\n"a - at `$.\\n" = 1'])
def test_founding_file_key_with_words_of_our_errors_is_refused_by_name(text: str) -> None:
    _answers("founding", text.encode())


def test_directory_that_is_not_json_is_refused_by_name_despite_a_long_number() -> None:
    _answers("directory", b'{"users":[NaN],"x":' + b"9" * 5_000 + b"}")


def test_non_object_release_sealed_by_a_stolen_writer_key_stops_no_reader() -> None:
    receiver = next(each for each in RECEIVERS if each.name == "request ledger")
    released = next(each for each in receiver.seeds if b"assent.change-released.v1" in each)
    data = released.replace(b'"resource":"access-policy/more","digest"', b'"resource":"approvers","digest"')
    assert data != released
    assert attempt(receiver, data) is None


def _answers(name: str, data: bytes) -> None:
    receiver = next(each for each in RECEIVERS if each.name == name)
    assert attempt(receiver, data) is None
    with pytest.raises(receiver.raises):
        receiver.take(data)

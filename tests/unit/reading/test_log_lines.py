"""What a person searches the logs for."""

from assent.reading.log_lines import log_search


def test_search_names_the_request_and_each_place_once() -> None:
    assert log_search("2-7", [7, 9, 9, 12]) == (
        "request 2-7, and partition 2 with first_seq <= N <= last_seq, N: 7, 9, 12"
    )
    assert log_search("2-7", ()).endswith("N: 7")


def test_long_history_is_cut() -> None:
    assert log_search("2-7", range(7, 107)).endswith(", 26 and 80 more")

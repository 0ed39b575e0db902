"""The error that stops one partition for good, and no other."""


class StoppedError(Exception):
    """The rules failed on a record. The partition stops there until people have looked; nothing is skipped.

    Its cause is the exception that the rules raised.
    """

    def __init__(self, topic: str, offset: int | None) -> None:
        """`offset`: the record's; None for a record that the writer was about to make by itself."""
        where = "a record of its own" if offset is None else f"offset {offset}"
        super().__init__(f"the rules failed on {where} of {topic}")
        self.topic = topic
        self.offset = offset

"""What ends one partition for good, and nothing else."""


class StoppedError(Exception):
    """The rules failed on a record: the partition stops there until people have looked. Nothing is skipped.

    Its cause is the exception that they raised.
    """

    def __init__(self, topic: str, offset: int | None) -> None:
        """`offset`: of the record; None for what the writer was about to record by itself."""
        where = "a record of its own" if offset is None else f"offset {offset}"
        super().__init__(f"the rules failed on {where} of {topic}")
        self.topic = topic
        self.offset = offset

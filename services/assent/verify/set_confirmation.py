"""R29: whether every released member of a set is in a set that was released."""

import hashlib
import itertools
from typing import Final

from msgspec import UNSET

from assent.verify.finding import FindingError
from assent_contracts.commands import SubmitChange
from assent_contracts.eras import accepted_end_of
from assent_contracts.governance_objects import Loss
from assent_contracts.set_members import hash_of_member, hashes_in_set

NOT_RELEASED: Final = "it releases a member of the set {}, which was not released with this change in it"


class SetReferences:
    """The members and sets of all partitions. A set and its members are read in any order.

    It keeps only what has no counterpart yet, so a long log takes little memory.
    """

    def __init__(self) -> None:
        self._open_sets: dict[str, frozenset[bytes]] = {}
        """What each set lists that was not released yet, by its request."""
        self._open_members: dict[str, tuple[str, bytes]] = {}
        """(set, hash) of each member that was not released yet, by its request."""
        self._listed: set[bytes] = set()
        """The members of released sets whose own releases were not read yet."""
        self._released: dict[bytes, list[tuple[int, int, str]]] = {}
        """(partition, seq, set) of the releases of each member that no set's release has allowed yet."""
        self._losses: list[Loss] = []

    def submitted(self, request: str, command: SubmitChange) -> None:
        """Note a set or a member. Any other submission is ignored."""
        if command.members is not UNSET:
            self._open_sets[request] = hashes_in_set(command)
        elif command.part_of is not UNSET:
            self._open_members[request] = (command.part_of, hash_of_member(command))

    def released(self, request: str, partition: int, seq: int) -> None:
        """Note the release of a request by the record `seq`. A later release of the same is ignored."""
        for member in self._open_sets.pop(request, ()):
            self._allow_once(_place(request, member))
        found = self._open_members.pop(request, None)
        if found is not None:
            place = _place(*found)
            if place in self._listed:
                self._listed.remove(place)
            else:
                self._released.setdefault(place, []).append((partition, seq, found[0]))

    def _allow_once(self, place: bytes) -> None:
        waiting = self._released.get(place)
        if waiting is None:
            self._listed.add(place)
            return
        del waiting[0]  # the first release counts, and a set allows no other one
        if not waiting:
            del self._released[place]

    def ended(self, request: str) -> None:
        """Note that a request has ended, so that what was not released is forgotten."""
        self._open_sets.pop(request, None)
        self._open_members.pop(request, None)

    def give_up(self, loss: Loss) -> None:
        """Note that a loss was accepted."""
        self._losses.append(loss)

    def confirm(self) -> None:
        """Check all members once all partitions are read. Raises FindingError for one without its set."""
        for partition, seq, part_of in sorted(itertools.chain.from_iterable(self._released.values())):
            if any(_was_there(partition, seq, loss) for loss in self._losses):
                continue  # the release of its set may be among the records that were given up
            raise FindingError("ledger", partition, seq, NOT_RELEASED.format(part_of))


def _was_there(partition: int, seq: int, loss: Loss) -> bool:
    end = accepted_end_of(loss, "ledger", partition)
    return end is not None and seq <= end.seq


def _place(part_of: str, member: bytes) -> bytes:
    return hashlib.sha256(part_of.encode() + b"/" + member).digest()

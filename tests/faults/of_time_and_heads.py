"""Faults in log time, in the limits per sender, and in what is known outside of a ledger."""

from typing import Final

from tests.faults.fault import CONTRACTS, CORE, Fault

_OF_TIME: Final = (
    "tests/unit/test_log_time.py",
    "tests/unit/test_rates.py",
    "tests/unit/test_sender.py",
    "tests/unit/test_writer.py",
)
_OF_CLOCKS: Final = ("tests/unit/decider", "tests/unit/test_clocks.py", "tests/property/test_believed.py")
_OF_HEADS: Final = ("tests/property/test_heads.py", "tests/unit/verify/test_known_heads.py")


def _time(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"{CORE}/{file}.py", old, new, _OF_TIME)


def _clocks(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"services/assent/decider/{file}.py", old, new, _OF_CLOCKS)


def _heads(breaks: str, old: str, new: str, file: str = "heads") -> Fault:
    return Fault(breaks, f"{CONTRACTS}/{file}.py", old, new, _OF_HEADS)


def _eras(breaks: str, old: str, new: str, file: str = "eras") -> Fault:
    return Fault(breaks, f"{CONTRACTS}/{file}.py", old, new, (*_OF_HEADS, "tests/unit/test_eras.py"))


FAULTS: Final = (
    _time(
        "a record does not state when its command arrived",
        "writer/writer",
        "            received_at=UNSET if incoming is None else incoming.received_at,\n",
        "            received_at=UNSET if incoming is None else at,\n",
    ),
    _time(
        "staleness is judged by log time",
        "requests/handle",
        "came_before(memory, received, received_at)\n",
        "came_before(memory, received, at)\n",
    ),
    _time(
        "the validity of a key is judged by log time",
        "requests/handle",
        "        received, signature_good=signature_good, received_at=received_at, governance",
        "        received, signature_good=signature_good, received_at=at, governance",
    ),
    _time(
        "a command may be dated ahead without limit",
        "sender",
        " or -age_ms > limits.COMMAND_MAX_AHEAD_MS:\n",
        " or -age_ms > 99_999 * limits.COMMAND_MAX_AHEAD_MS:\n",
    ),
    _time(
        "a copy of a forgotten command is decided again",
        "sender",
        "    if before is None and memory.has_forgotten(it.command.at):\n",
        "    if before is None and memory.has_forgotten(it.command.at + limits.FOR_EVER_MS):\n",
    ),
    _time(
        "forgotten dates are not noted",
        "command_memory",
        "            self.forgotten.add(remembered.dated)\n",
        "",
    ),
    _time(
        "only the oldest forgotten date is noted",
        "command_memory",
        "            self.forgotten.add(remembered.dated)\n",
        "            self.forgotten.latest >= 0 or self.forgotten.add(remembered.dated)\n",
    ),
    _time(
        "commands dated now are refused for days after a clock was ahead",
        "forgotten_dates",
        "        return gap < 0 or dated >= self.ends[gap]\n",
        "        return True\n",
    ),
    _time(
        "a forgotten date is in a gap",
        "forgotten_dates",
        "            self._keep(gap, dated, end)\n            self._keep(gap, begin, dated)\n",
        "            self._keep(gap, begin, end)\n",
    ),
    _time(
        "ids that a wrong clock has dated ahead count in the share",
        "command_memory",
        "            self._ahead.setdefault(remembered.principal, set()).add(remembered.command_id)\n",
        "",
    ),
    _time(
        "ids that a wrong clock has dated ahead are forgotten at once",
        "command_memory",
        "            if remembered.dated > dated_max:\n",
        "            if remembered.dated < 0:\n",
    ),
    _time(
        "copies count against their sender's rate",
        "requests/handle",
        "        state.memory.count(command.principal, at, copy=is_copy(decision))\n",
        "        state.memory.count(command.principal, at, copy=False)\n",
    ),
    _time(
        "a misrouted copy takes its sender's share",
        "sender",
        "RefusalCode.STALE, RefusalCode.MISROUTED})\n",
        "RefusalCode.STALE})\n",
    ),
    _time(
        "entries from before a correction of log time are never forgotten",
        "retention",
        "        if now and item.until < now[-1].until:\n",
        "        if now and item.until < 0:\n",
    ),
    _time(
        "no rate is enforced",
        "command_rates",
        "    if memory.sent(principal, at) < most:\n",
        "    if memory.sent(principal, at) < 1_000 * most:\n",
    ),
    _time(
        "the rate permits one command more",
        "command_rates",
        "    if memory.sent(principal, at) < most:\n",
        "    if memory.sent(principal, at) <= most:\n",
    ),
    _time(
        "all accounts share one rate",
        "command_memory",
        "        return self._sent.get(principal, 0) if at",
        "        return sum(self._sent.values()) if at",
    ),
    _time(
        "no share of the memory is enforced",
        "command_rates",
        "    if memory.remembered(principal) < most or ",
        "    if memory.remembered(principal) < 1_000 * most or ",
    ),
    _time(
        "a successor does not count what was sent in this minute",
        "remember_record",
        "        memory.count(sent.principal, record.at, copy=is_copy)\n",
        "        pass\n",
    ),
    _time(
        "a command refused by the rate counts",
        "requests/handle",
        "    elif counts(decision):\n",
        "    elif decision is not None:\n",
    ),
    _time(
        "a command refused by the rate uses up its id",
        "sender",
        "TAKES_NO_ID = OMITTED | COPIES\n",
        "TAKES_NO_ID = UNAUTHENTICATED | COPIES\n",
    ),
    _time(
        "a command refused by the rate is kept whole",
        "sender",
        "OMITTED = UNAUTHENTICATED | {RefusalCode.TOO_MANY_COMMANDS}\n",
        "OMITTED = UNAUTHENTICATED | set[RefusalCode]()\n",
    ),
    _time(
        "a correction sets log time ahead",
        "log_time",
        "            at = min(at, correction.to)\n",
        "            at = max(at, correction.to)\n",
    ),
    _time(
        "a correction counts again for each record",
        "log_time",
        "        if after < correction.seq <= up_to:\n",
        "        if correction.seq <= up_to:\n",
    ),
    _time(
        "a correction counts before governance is followed that far",
        "log_time",
        "        if after < correction.seq <= up_to:\n",
        "        if after < correction.seq:\n",
    ),
    _time(
        "governance does not count its own correction",
        "governance/handle",
        "            if isinstance(event, TimeCorrected) and event.to < self.at:\n",
        "            if isinstance(event, TimeCorrected) and event.to > self.at:\n",
    ),
    _time(
        "log time is corrected to a later time",
        "governance/time_corrections",
        "    if not 0 <= change.to <= at:\n",
        "    if change.to < 0:\n",
    ),
    _time(
        "an idle partition does not record a correction",
        "writer/requests_desk",
        "        if corrected is not None:\n            yield",
        "        if corrected is not None and corrected.since < 0:\n            yield",
    ),
    _clocks(
        "a wrong time of the broker's is believed against its neighbours",
        "timekeeper",
        "put_right([*before, *these, *behind])[len(before) :][: len(these)]\n",
        "these\n",
    ),
    _clocks(
        "a wrong time at the beginning of a backlog is believed",
        "believed_times",
        "    left = [number for number, time in enumerate(times) if time <= latest]\n",
        "    return [n for n in _longest(times) if times[n] <= latest]\n    left: list[int] = []\n",
    ),
    _clocks(
        "the records after a poll are not used for its end",
        "timekeeper",
        "            await polled_on.wait()\n",
        "            pass\n",
    ),
    _clocks(
        "only the first ends of a partition are kept",
        "seen_ends",
        "            del self._ends[min(range(1, KEPT), key=self._gap_without)]\n",
        "            del self._ends[-1]\n",
    ),
    _heads(
        "a ledger that was cut counts as whole",
        "    if found.end < known.next_offset:\n",
        "    if found.end < known.next_offset - 1_000_000:\n",
    ),
    _heads(
        "a ledger that was cut by one record counts as whole",
        "    if found.end < known.next_offset:\n",
        "    if found.end < known.next_offset - 1:\n",
    ),
    _heads(
        "another history is accepted as the known one",
        "found.sha256 is not None and found.sha256 != known.sha256:\n",
        "found.sha256 is None and known.sha256 is None:\n",
    ),
    _heads(
        "a ledger without its beginning counts as whole",
        "    if found.beginning > 0:\n",
        "    if found.beginning > known.next_offset:\n",
    ),
    _heads(
        "anybody's head counts",
        '    return "good" if verify(public_key, message, signature) else "bad"\n',
        '    return "good" if public_key else "bad"\n',
    ),
    _heads(
        "a head of another log counts",
        "    return verdict_on(head_message(identity, value), headers, writers, verify)\n",
        '    return verdict_on(head_message("00" * 32, value), headers, writers, verify)\n',
    ),
    _eras(
        "an accepted loss voids nothing",
        "    return bool(losses_since(era, losses))\n",
        "    return False\n",
    ),
    _eras(
        "a head of an era that governance does not know is void",
        "            return losses[number:]\n    return ()\n",
        "            return losses[number:]\n    return losses\n",
    ),
    _eras(
        "given up records still count",
        "        if era in loss.given_up:\n",
        "        if era in loss.era[:0]:\n",
    ),
    _heads(
        "the head that was learnt last is the newest",
        "(place not in known or age > known[place][0])",
        "(place not in known or bool(age))",
    ),
    _heads(
        "after a loss input continues where the records state",
        "            return read if decided > end.seq else end.next_input",
        "            return read if decided > end.seq else read",
    ),
    _heads(
        "a loss determines for ever where input continues",
        "            return read if decided > end.seq else end.next_input",
        "            return end.next_input",
    ),
    _heads(
        "a loss determines where input continues in a ledger restored to before its end",
        "        if end is not None and end.seq <= last:\n",
        "        if end is not None:\n",
    ),
    _eras(
        "given up records count once they are sent again",
        "    return FIRST_ERA if loss is None else loss.era\n",
        "    return FIRST_ERA\n",
    ),
    _eras(
        "an earlier loss determines the era",
        "next((loss for loss in reversed(losses) if",
        "next((loss for loss in losses if",
    ),
    _eras(
        "a key that was retired before a loss seals after it",
        "    return end is None or governance > end.seq\n",
        "    return end is None or governance >= end.seq\n",
    ),
    _eras(
        "given up records that were read count as present",
        "    return any(gives_up(loss, ledger, partition, seq) for loss in losses_since(era, losses))\n",
        "    return False\n",
    ),
    _eras(
        "records written since a loss are given up",
        "            return losses[number + 1 :]\n",
        "            return losses[number:]\n",
    ),
    _eras(
        "a given up change of governance waits for its evidence for ever",
        "            if not gives_up_of(loss, request, claim.released)\n",
        "            if loss\n",
        "evidence/release_references",
    ),
    _heads(
        "given up records stay remembered by their readers",
        "        if not is_void(each.era, losses):\n            still[partition] = each\n",
        "        if len(losses) >= 0:\n            still[partition] = each\n",
    ),
    _heads(
        "the ends named by a loss are not known",
        "        known[end.ledger, end.partition] = ((False, end.seq, -end.next_offset), known_from(end))\n",
        "        pass\n",
    ),
    _heads(
        "two histories are not noticed",
        "    if one.sha256 == other.sha256:\n        return None\n",
        "    if one.seq == other.seq:\n        return None\n",
        "findings",
    ),
    _heads(
        "missing commands at the end are not noticed",
        "    if found.end < next_input:\n",
        "    if found.end < next_input - 1_000_000:\n",
        "findings",
    ),
    _heads(
        "other commands are accepted as the decided ones",
        "if stands.get(at, sha256) != sha256), None)\n",
        "if stands.get(at, sha256) is None), None)\n",
        "findings",
    ),
    Fault(
        "only the last decided command is compared with the topic",
        "services/assent/decider/term.py",
        "            if accepted.record.input < self._next_input:\n",
        "            if accepted.record.input < 1 << 60:\n",
        ("tests/unit/test_term.py",),
    ),
)

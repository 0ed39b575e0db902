"""What is measured, and in which order: each figure next to its floor, so that drift affects both."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Final

import msgspec

from assent.local.stack import Stack
from assent_contracts.client.connection import Connection
from assent_contracts.topics import CHANGES, COMMANDS, LEDGER
from tests.bench.applying import APPLIED
from tests.bench.child import Answer, Job, Told, measure, peak_mib, quantile_of
from tests.bench.founded_log import Log, empty, make, remove
from tests.bench.gateway import GatewayBench
from tests.bench.produce import produce
from tests.bench.progress import Steps
from tests.bench.project import copy_floor, database, project
from tests.bench.relay import INTO, OUT_OF
from tests.bench.report import Sample
from tests.bench.services import running
from tests.bench.workload import Mix, refusals

GROUPS: Final = (
    "decide_unsigned", "decide_signed", "verify", "audit", "status", "latency", "apply", "takeover",
    "gateway",
)  # fmt: skip
OF_A_LEDGER: Final = frozenset(GROUPS[:5])
_POLL_RECORDS: Final = 2_000
_RATE: Final = 500
_WARM_UP_COMMANDS: Final = 50_000
_APPLY_MAX: Final = 5_000
"""Changes; an applier makes hundreds in a second, not tens of thousands."""
_APPLY_RATE: Final = 20
_APPLY_GUESS_S: Final = 30
_QUANTILES: Final = {"latency_p50": 0.5, "latency_p99": 0.99}
_GATEWAY_S: Final = 60
"""An estimate for its lists and streams, at a million rows."""

GUESSES_US: Final = {
    "produce": 35, "floor": 4, "signatures": 25, "decide_unsigned": 25, "decide_signed": 60, "verify": 30,
    "verify_signed": 80, "audit": 20, "copy": 15, "status": 15, "open": 45, "takeover": 15,
}  # fmt: skip
"""Microseconds per command that each step may take; used only to estimate the remaining time."""
_STEPS: Final = {
    "decide_unsigned": ("floor", "decide_unsigned"),
    "decide_signed": ("signatures", "decide_signed"),
    "verify": ("floor", "verify", "verify_signed"),
    "audit": ("audit", "copy"),
    "status": ("status", "copy"),
}


class Bench:
    """One run on one stack."""

    def __init__(
        self, stack: Stack, log: Log, folder: Path, steps: Steps, *, commands: int, latency_s: int
    ) -> None:
        self.samples: list[Sample] = []
        self._stack = stack
        self._log = log
        self._folder = folder
        self._steps = steps
        self._commands = commands
        self._latency_s = latency_s
        self._connection = Connection(bootstrap=stack.bootstrap)

    async def ledger(self, chosen: frozenset[str], repeats: int) -> None:
        """Everything that needs a log full of requests."""
        await self._produce("lives", sign=True)
        await self._warm_up()
        for repeat in range(1, repeats + 1):
            suffix = f"{repeat}/{repeats}"
            # Without one of these there would be no ledger for the other measurements to read.
            if "decide_unsigned" in chosen or "decide_signed" not in chosen:
                floor = await self._consume(COMMANDS, f"raw consume of commands {suffix}", _POLL_RECORDS)
                await self._decide("decide_unsigned", floor, suffix, check=False)
            if "decide_signed" in chosen:
                floor = await self._child("floors", self._job(), f"raw signatures {suffix}", "signatures")
                await self._decide("decide_signed", floor, suffix, check=True)
            if "verify" in chosen:
                await self._verify(suffix)
            if chosen & {"audit", "status"}:
                await self._project(chosen, suffix)

    async def _produce(self, mix: Mix, *, sign: bool) -> None:
        with self._step(f"making {self._commands:,} commands", "produce" if sign else "open") as told:
            await produce(
                self._connection,
                self._log.keys,
                self._log.identity,
                mix,
                self._commands,
                sign=sign,
                told=told,
            )

    async def _warm_up(self) -> None:
        # So that the JVM has compiled the broker's code before anything is measured.
        await self._consume(COMMANDS, "warming up", _POLL_RECORDS)
        some = self._job(commands=min(_WARM_UP_COMMANDS, self._commands), check=False)
        await self._child("decide", some, "warming up", "floor")

    async def _consume(self, topic: str, description: str, most: int | None) -> Answer:
        return await self._child("floors", self._job(topic=topic, max_records=most), description, "floor")

    async def _decide(self, name: str, floor: Answer, suffix: str, *, check: bool) -> None:
        await empty(self._connection, LEDGER)
        ours = await self._child("decide", self._job(check=check), f"{name} {suffix}", name)
        self._rate(name, ours, floor, suffix)

    async def _verify(self, suffix: str) -> None:
        floor = await self._consume(LEDGER, f"raw consume of the ledger {suffix}", None)
        for name, check in (("verify", False), ("verify_signed", True)):
            ours = await self._child("verify", self._job(check=check), f"{name} {suffix}", name)
            self._rate(name, ours, floor, suffix)

    async def _project(self, chosen: frozenset[str], suffix: str) -> None:
        async with database(self._stack.dsn) as dsn:
            audit = await self._service("audit", dsn, suffix)
            for name in ("audit", "status"):
                if name not in chosen:
                    continue
                with self._step(f"COPY of the audit's rows {suffix}", "copy"):
                    floor = Answer(seconds=await copy_floor(dsn, self._folder), peak_mib=0)
                ours = audit if name == "audit" else await self._service("status", dsn, suffix)
                self._rate(name, ours, floor, suffix)

    async def _service(self, name: str, dsn: str, suffix: str) -> Answer:
        output = self._folder / f"{name}.log"
        with self._step(f"{name} {suffix}", name) as told:
            return await project(name, self._log, dsn, self._commands, output=output, told=told)

    async def latency(self, repeats: int) -> None:
        """The product and the relay in turns, each with its own client; both processes run the whole time."""
        await empty(self._connection, COMMANDS, LEDGER)
        await make(self._connection, INTO, OUT_OF)
        env, output = self._log.env(), self._folder / "latency.log"
        async with (
            running("assent.decider", env=env, log=output) as decider,
            running("tests.bench.relay", env=env, log=output),
        ):
            for repeat in range(1, repeats + 1):
                relay = await self._latencies("relay", INTO, f"{repeat}/{repeats}")
                ours = await self._latencies("latency", "", f"{repeat}/{repeats}")
                for name, quantile in _QUANTILES.items():
                    value, floor = (quantile_of(each, quantile) for each in (ours, relay))
                    self._steps.say(f"{name} {repeat}/{repeats}: {value:.2f} ms, relay {floor:.2f} ms")
                    self._take(name, value, floor, peak_mib(decider.pid))

    async def _latencies(self, name: str, topic: str, suffix: str) -> Answer:
        work = self._submits(topic=topic)
        env = {**self._log.env(), "ASSENT_KEY_FILE": str(self._log.keys / "device-config.key")}
        with self._steps.step(f"{name} at {_RATE}/s {suffix}", self._latency_s + 4) as told:
            return await measure("latency", work, env=env, log=self._folder / "latency.log", told=told)

    def _submits(self, **how: object) -> Job:
        job = Job(commands=_RATE * self._latency_s, rate=_RATE, warm_up=2 * _RATE)
        return msgspec.structs.replace(job, **how)

    async def apply(self, repeats: int) -> None:
        """An applier beside a bare loop, and how long an approved change takes."""
        commands = min(self._commands, _APPLY_MAX)
        state = self._folder / "appliers"
        state.mkdir(exist_ok=True)
        output = self._folder / "apply.log"
        env = {
            **self._log.env(),
            "ASSENT_KEY_FILE": str(self._log.keys / "applier.key"),
            "ASSENT_STATE": str(state),
        }
        for repeat in range(1, repeats + 1):
            suffix = f"{repeat}/{repeats}"
            await empty(self._connection, COMMANDS, LEDGER, CHANGES)
            await make(self._connection, APPLIED)
            async with running("assent.decider", env=self._log.env(), log=output), self._dispatch(output):
                ours = await self._applying(Job(commands=commands), env, f"applying {suffix}")
                floor = await self._applying(
                    Job(commands=commands, topic=APPLIED), env, f"consume and produce {suffix}"
                )
                work = Job(commands=_APPLY_RATE * self._latency_s, rate=_APPLY_RATE, warm_up=_APPLY_RATE)
                taken = await self._applying(work, env, f"approved to applied {suffix}")
            value, peer = commands / ours.seconds, commands / floor.seconds
            self._steps.say(f"apply {suffix}: {value:,.0f}/s beside {peer:,.0f}/s")
            self._take("apply", value, peer, ours.peak_mib)
            for name, quantile in {"applied_p50": 0.5, "applied_p99": 0.99}.items():
                self._steps.say(f"{name} {suffix}: {quantile_of(taken, quantile):.1f} ms")
                self._take(name, quantile_of(taken, quantile), None, taken.peak_mib)
            await remove(self._connection, APPLIED)

    def _dispatch(self, output: Path) -> AbstractAsyncContextManager[object]:
        return running("assent.dispatch", env=self._log.env(), log=output)

    async def _applying(self, work: Job, env: dict[str, str], description: str) -> Answer:
        with self._steps.step(description, _APPLY_GUESS_S) as told:
            return await measure("applying", work, env=env, log=self._folder / "apply.log", told=told)

    async def gateway(self, repeats: int) -> None:
        """HTTP next to the bare relay, lists next to a bare query, and many event streams."""
        await empty(self._connection, COMMANDS, LEDGER)
        await make(self._connection, INTO, OUT_OF)
        bench = GatewayBench(
            self._log,
            self._folder,
            self._steps,
            self._take,
            submits=self._submits(),
            rows=self._commands,
        )
        async with database(self._stack.dsn) as dsn:
            for repeat in range(1, repeats + 1):
                suffix = f"{repeat}/{repeats}"
                await bench.submits(dsn, lambda at: self._latencies("relay", INTO, at), suffix)
        async with database(self._stack.dsn) as dsn:
            await bench.streams(dsn)
        await empty(self._connection, COMMANDS, LEDGER)
        async with database(self._stack.dsn) as dsn:
            await bench.lists(dsn, repeats)

    async def open_requests(self) -> None:
        """A partition of open requests: the memory of its writer, and the time that a takeover takes."""
        await empty(self._connection, COMMANDS, LEDGER)
        await self._produce("open", sign=False)
        made = await self._child("decide", self._job(check=False), "opening requests", "decide_unsigned")
        taken = await self._child("takeover", self._job(), "takeover", "takeover")
        peak = max(made.peak_mib, taken.peak_mib)
        self._steps.say(
            f"takeover: {taken.seconds:.1f} s, {taken.peak_mib:,.0f} MiB; before: {made.peak_mib:,.0f} MiB"
        )
        self._take("takeover", taken.seconds, None, taken.peak_mib)
        paused = await self._child("takeover", self._job(view="take a snapshot"), "a snapshot", "takeover")
        self._take("snapshot_pause", paused.seconds * 1_000, None, paused.peak_mib)
        resumed = await self._child(
            "takeover", self._job(view="from a snapshot"), "takeover from a snapshot", "takeover"
        )
        self._steps.say(
            f"from a snapshot: {resumed.seconds:.1f} s; its pause: {paused.seconds * 1_000:.1f} ms"
        )
        self._take("takeover_snapshot", resumed.seconds, taken.seconds, resumed.peak_mib)
        self._take("memory_open_requests", peak, None, peak)

    def _job(self, **how: object) -> Job:
        job = Job(commands=self._commands, refusals=refusals("lives", self._commands))
        return msgspec.structs.replace(job, **how)

    async def _child(self, module: str, work: Job, description: str, guess: str) -> Answer:
        with self._step(description, guess) as told:
            return await measure(
                module, work, env=self._log.env(), log=self._folder / f"{module}.log", told=told
            )

    def _step(self, description: str, guess: str) -> AbstractContextManager[Told]:
        return self._steps.step(description, self._commands * GUESSES_US[guess] / 1e6 + 1)

    def _rate(self, name: str, ours: Answer, floor: Answer, suffix: str) -> None:
        value, peer = self._commands / ours.seconds, self._commands / floor.seconds
        self._steps.say(f"{name} {suffix}: {value:,.0f}/s beside {peer:,.0f}/s, ratio {value / peer:.2f}")
        self._take(name, value, peer, ours.peak_mib)

    def _take(self, name: str, value: float, floor: float | None, peak_mib: float) -> None:
        self.samples.append(Sample(name=name, value=value, floor=floor, peak_mib=peak_mib))


def estimate_s(chosen: frozenset[str], commands: int, repeats: int, latency_s: int) -> float:
    """Estimated seconds for all of it."""
    once: list[str] = []
    each: list[str] = []
    if chosen & OF_A_LEDGER:
        once += ["produce", "floor", "floor", "decide_unsigned"]
        each += [step for group in chosen & OF_A_LEDGER for step in _STEPS[group]]
    if "takeover" in chosen:
        once += ["open", "decide_unsigned", "takeover", "takeover", "takeover"]
    steps = once + each * repeats
    waiting = 2 * repeats * (latency_s + 4) * len(chosen & {"latency", "gateway"})
    waiting += 3 * repeats * _APPLY_GUESS_S if "apply" in chosen else 0
    waiting += _GATEWAY_S if "gateway" in chosen else 0
    return waiting + sum(commands * GUESSES_US[step] / 1e6 + 1 for step in steps)

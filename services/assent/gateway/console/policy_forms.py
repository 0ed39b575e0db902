"""A policy as a form, and back. Pure."""

import re
import unicodedata
from typing import Any, Final

import msgspec

from assent.gateway.console.forms import Form
from assent.gateway.console.text import t
from assent.gateway.problems import Problem, malformed_problem
from assent.reading.utc_times import freeze_line, freeze_of
from assent_contracts.access_policies import ApprovalRule, Completion, Freeze, Policy
from assent_contracts.change_details import DEMANDS
from assent_contracts.limits import LONGEST_MS, QUORUM_MAX, RULES_MAX

UNITS_MS: Final = {"days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1_000}
_SPARE_RULES: Final = 1
_NOT_IN_IDS: Final = re.compile(r"[^a-z0-9]+")


class PolicyValues(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of the form, valid or not."""

    id: str = ""
    name: str = ""
    description: str = ""
    resource_type: str = ""
    rules: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(quorum, groups) of each approval rule, with an empty one at the end for another."""
    rejections: str = "1"
    completion: str = "requester"
    expiry: str = ""
    expiry_unit: str = "days"
    own_signature: bool = False
    on_behalf_of: bool = False
    """R20: whether a service must name the person on whose behalf it submits."""
    separate_operator: bool = False
    """R25: whether the applier's operator must be another person than requester and approvers."""
    refuse_stale: bool = False
    """R26: whether a submission from an older version of its object is refused."""
    freezes: str = ""
    """R27: one freeze period a line."""
    emergency_passes: bool = False
    demands: tuple[str, ...] = ()
    """R24: the optional fields that a submission must have."""
    two_settle: bool = False
    """Whether two administrators must settle an unknown outcome."""
    version: str = ""
    """The governance seq of the policy that the form was filled from; empty for a new one."""


def values_of(policy: Policy, version: int | None) -> PolicyValues:
    """The form for an existing policy."""
    expiry, unit = _in_units(policy.expiry_ms)
    return PolicyValues(
        id=policy.id,
        name=policy.name,
        description=policy.description,
        resource_type=policy.resource_type,
        rules=_with_spare(tuple((str(rule.quorum), rule.groups) for rule in policy.approvals)),
        rejections=str(policy.rejections),
        completion=policy.completion,
        expiry=expiry,
        expiry_unit=unit,
        own_signature=policy.own_signature,
        on_behalf_of=policy.on_behalf_of == "required",
        separate_operator=policy.separate_operator,
        refuse_stale=policy.stale_base == "refuse",
        freezes="\n".join(map(freeze_line, policy.freezes)),
        emergency_passes=policy.emergency_passes_freeze,
        demands=policy.demands,
        two_settle=policy.settlements == 2,
        version="" if version is None else str(version),
    )


def empty_values() -> PolicyValues:
    """The form for a new policy."""
    return PolicyValues(rules=_with_spare((("1", ()),)))


def values_sent(form: Form) -> PolicyValues:
    """The fields as they were sent. Raises Problem if no form could have sent them."""
    rules = tuple((form.line(f"quorum-{n}"), form.all(f"groups-{n}")) for n in range(RULES_MAX))
    filled = tuple(rule for rule in rules if rule[1])
    unit = form.line("expiry_unit") or "days"
    name = form.line("name")
    return PolicyValues(
        id=form.line("id") or id_of(name),
        name=name,
        description=form.text("description").strip(),
        resource_type=form.line("resource_type"),
        rules=_with_spare(filled),
        rejections=form.line("rejections") or "1",
        completion=form.line("completion") or "requester",
        expiry=form.line("expiry"),
        expiry_unit=unit if unit in UNITS_MS else "days",
        own_signature=form.line("own_signature") == "on",
        on_behalf_of=form.line("on_behalf_of") == "on",
        separate_operator=form.line("separate_operator") == "on",
        refuse_stale=form.line("refuse_stale") == "on",
        freezes=form.text("freezes").strip(),
        emergency_passes=form.line("emergency_passes") == "on",
        demands=form.all("demands"),
        two_settle=form.line("two_settle") == "on",
        version=form.line("version"),
    )


def policy_sent(values: PolicyValues) -> Policy:
    """The policy in the fields. Raises Problem with the field's name. The core's rules check the rest."""
    rules = tuple(
        ApprovalRule(quorum=_number(quorum, t("policies.field.quorum"), most=QUORUM_MAX), groups=groups)
        for quorum, groups in values.rules
        if groups
    )
    if not rules:
        raise _bad(t("policies.no_group"))
    completion: Completion = "automatic" if values.completion == "automatic" else "requester"
    return Policy(
        id=values.id,
        name=values.name,
        description=values.description,
        resource_type=values.resource_type,
        approvals=rules,
        rejections=_number(values.rejections, t("policies.field.rejections"), most=QUORUM_MAX),
        completion=completion,
        expiry_ms=_expiry(values),
        own_signature=values.own_signature,
        on_behalf_of="required" if values.on_behalf_of else "optional",
        separate_operator=values.separate_operator,
        stale_base="refuse" if values.refuse_stale else "show",
        freezes=tuple(_freeze(line) for line in values.freezes.split("\n") if line.strip()),
        emergency_passes_freeze=values.emergency_passes,
        demands=tuple(each for each in DEMANDS if each in values.demands),
        settlements=2 if values.two_settle else 1,
    )


def _freeze(line: str) -> Freeze:
    found = freeze_of(line)
    if found is None:
        raise _bad(t("policies.not_a_freeze", line=line.strip()[:80]))
    return found


def id_of(name: str) -> str:
    """An id made from a name: `Scripts that run` becomes `scripts-that-run`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_IDS.sub("-", plain).strip("-")[:64].strip("-")


def _with_spare(rules: tuple[tuple[str, tuple[str, ...]], ...]) -> Any:
    spare: tuple[tuple[str, tuple[str, ...]], ...] = (("1", ()),) * _SPARE_RULES
    return (*rules, *spare)[:RULES_MAX] if rules and rules[-1][1] else rules or (("1", ()),)


def _expiry(values: PolicyValues) -> int | None:
    if not values.expiry:
        return None
    unit = UNITS_MS[values.expiry_unit]
    return _number(values.expiry, t("policies.field.expiry"), most=LONGEST_MS // unit) * unit


def _in_units(expiry_ms: int | None) -> tuple[str, str]:
    if expiry_ms is None:
        return "", "days"
    for name, unit in UNITS_MS.items():
        if expiry_ms % unit == 0:
            return str(expiry_ms // unit), name
    return str(max(1, expiry_ms // 1_000)), "seconds"


def _number(text: str, field: str, *, most: int) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text[:20]) <= most:
        raise _bad(t("policies.not_a_number", field=field, most=f"{most:,}"))
    return int(text)


def _bad(detail: str) -> Problem:
    return malformed_problem(detail)

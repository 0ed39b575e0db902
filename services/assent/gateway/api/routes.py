"""Every handler of the API, in the order of its description, and what stands beside it."""

from typing import Final

from litestar.handlers import HTTPRouteHandler

from assent.gateway.api import (
    actions,
    auditing,
    changes,
    commands,
    events,
    groups,
    health,
    looking,
    me,
    policies,
    principals,
    proving,
    relaying,
    roles,
    settings,
    submitting,
    targets,
    who_can,
    whole,
)

API: Final[tuple[HTTPRouteHandler, ...]] = (
    submitting.submit,
    looking.list_,
    looking.show,
    proving.show_submission,
    *actions.ACTIONS,
    who_can.show_approvers,
    who_can.explain,
    relaying.relay,
    commands.show_command,
    events.follow,
    policies.list_policies,
    policies.show_policy,
    groups.list_groups,
    groups.show_group,
    roles.list_roles,
    roles.show_role,
    principals.list_principals,
    principals.show_principal,
    settings.show_settings,
    whole.show_governance,
    proving.show_governance_ledger,
    changes.change,
    auditing.search,
    auditing.export,
    *targets.TARGETS,
    me.me,
)
HEALTH: Final = (health.livez, health.readyz, health.metrics)

"""Every handler of the API, in the order of its description, and the health endpoints."""

from typing import Final

from litestar.handlers import HTTPRouteHandler

from assent.gateway.api import (
    actions,
    audit,
    findings,
    governance_changes,
    governance_document,
    groups,
    health,
    late_decisions,
    live_events,
    me,
    policies,
    principals,
    proofs,
    requests,
    roles,
    settings,
    signed_commands,
    submissions,
    targets,
    who_can,
)

API: Final[tuple[HTTPRouteHandler, ...]] = (
    submissions.submit,
    requests.list_,
    requests.show,
    proofs.show_submission,
    *actions.HANDLERS,
    who_can.show_approvers,
    who_can.explain,
    findings.list_all,
    findings.show,
    findings.close,
    signed_commands.relay,
    late_decisions.show_command,
    live_events.follow,
    policies.list_policies,
    policies.show_policy,
    groups.list_groups,
    groups.show_group,
    roles.list_roles,
    roles.show_role,
    principals.list_principals,
    principals.show_principal,
    settings.show_settings,
    governance_document.show_governance,
    proofs.show_governance_ledger,
    governance_changes.change_by_post,
    audit.search,
    audit.export,
    *targets.TARGETS,
    me.me,
)
HEALTH: Final = (health.livez, health.readyz, health.metrics)

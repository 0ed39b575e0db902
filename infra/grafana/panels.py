"""The panels of the dashboard. A query is PromQL; `{{label}}` in a legend is the series' label."""

from typing import Final, NamedTuple


class Query(NamedTuple):
    """One query of a panel, and the name of its series."""

    expression: str
    legend: str


class Panel(NamedTuple):
    """One graph. `unit`: as Grafana names it, such as `s` for seconds and `short` for a number."""

    title: str
    meaning: str
    unit: str
    queries: tuple[Query, ...]


def one(title: str, meaning: str, unit: str, expression: str, legend: str) -> Panel:
    """A panel with one query."""
    return Panel(title, meaning, unit, (Query(expression, legend),))


ROWS: Final[dict[str, tuple[Panel, ...]]] = {
    "Is all well?": (
        one(
            "Services that answer",
            "Of each service, how many.",
            "short",
            'sum by (job) (up{job=~"assent-.+"})',
            "{{job}}",
        ),
        one(
            "What services lack",
            "1 while a service lacks something. Its /readyz has the reason.",
            "short",
            "max by (job, condition) (assent_not_ready) == 1",
            "{{job}}: {{condition}}",
        ),
        one(
            "Partitions that are led",
            "By deciders.",
            "short",
            "sum by (instance) (assent_lead)",
            "{{instance}}",
        ),
        one(
            "Outages",
            "In an hour.",
            "short",
            "sum by (job, condition) (increase(assent_outages_total[1h])) > 0",
            "{{job}}: {{condition}}",
        ),
    ),
    "Decisions": (
        Panel(
            "Decisions a second",
            "Commands that were decided, and those of them that were refused.",
            "ops",
            (
                Query('sum(rate(assent_decisions_total{refusal=""}[5m]))', "accepted"),
                Query('sum by (refusal) (rate(assent_decisions_total{refusal!=""}[5m]))', "{{refusal}}"),
            ),
        ),
        Panel(
            "Time to a decision",
            "From the broker's time of a batch's oldest command to its decision sent.",
            "s",
            tuple(
                Query(
                    f"histogram_quantile({share}, sum by (le) (rate(assent_decision_seconds_bucket[5m])))",
                    f"{share:.0%} of the batches",
                )
                for share in (0.5, 0.99)
            ),
        ),
        one(
            "Commands that wait",
            "For a decision, by partition.",
            "short",
            "max by (partition) (assent_undecided_commands)",
            "{{partition}}",
        ),
        one(
            "Leads lost",
            "In an hour, by partition.",
            "short",
            "sum by (partition) (increase(assent_leads_lost_total[1h])) > 0",
            "{{partition}}",
        ),
    ),
    "Readers": (
        one(
            "Behind, in time",
            "The partition that is furthest behind.",
            "s",
            "max by (job) (assent_lag_seconds)",
            "{{job}}",
        ),
        one(
            "Behind, in records",
            "All partitions together.",
            "short",
            "sum by (job) (max by (job, ledger, partition) (assent_lag_records))",
            "{{job}}",
        ),
        one(
            "Records a second",
            "Projected to Postgres, or read by dispatch.",
            "ops",
            "sum by (job) (rate(assent_projected_records_total[5m]))",
            "{{job}}",
        ),
        one(
            "Time for a batch",
            "From its records read to its commit.",
            "s",
            "histogram_quantile(0.99, sum by (job, le) (rate(assent_project_seconds_bucket[5m])))",
            "{{job}}, 99%",
        ),
    ),
    "Requests and changes": (
        one(
            "Open requests by age",
            "How many were submitted at least that long ago.",
            "short",
            "max by (seconds) (assent_open_requests_older)",
            "{{seconds}} s and older",
        ),
        Panel(
            "What waits for people or appliers",
            "Requests whose outcome is unknown, and open findings.",
            "short",
            (
                Query("max(assent_unsettled_requests)", "outcome unknown"),
                Query("max(assent_open_findings)", "findings"),
                Query(
                    'sum(increase(assent_own_records_total{event="assent.outcome-unknown.v1"}[1h]))',
                    "leases that ended without a report, in an hour",
                ),
            ),
        ),
        one(
            "Oldest release without a claim",
            "0 if none waits.",
            "s",
            "max(assent_unclaimed_seconds)",
            "waits",
        ),
        Panel(
            "Changes an hour",
            "Released changes that dispatch wrote, and what became of them at their targets.",
            "short",
            (
                Query("sum(increase(assent_dispatched_changes_total[1h]))", "dispatched"),
                Query("sum by (outcome) (increase(assent_applied_changes_total[1h]))", "{{outcome}}"),
            ),
        ),
    ),
    "The log": (
        one(
            "Quarantined records",
            "In an hour. A program other than the decider wrote them.",
            "short",
            "sum by (ledger, partition) (increase(assent_quarantined_records_total[1h])) > 0",
            "{{ledger}}/{{partition}}",
        ),
        Panel(
            "Faults",
            "Each is 0 in a sound log.",
            "short",
            (
                Query("max(assent_partition_stopped)", "stopped"),
                Query("max(assent_partition_missing)", "incomplete"),
                Query("max(assent_log_differs)", "differs"),
                Query("sum(assent_no_evidence_total)", "without evidence"),
                Query("sum(increase(assent_submissions_doubted_total[1h]))", "doubted, in an hour"),
            ),
        ),
        one(
            "Clocks apart",
            "While that stops decisions.",
            "s",
            "max by (partition) (assent_clocks_apart_seconds)",
            "{{partition}}",
        ),
    ),
    "Gateways, notifications, upstream systems": (
        one(
            "Answers a second",
            "By status.",
            "ops",
            "sum by (status) (rate(assent_http_seconds_count[5m]))",
            "{{status}}",
        ),
        one(
            "Time for an answer",
            "From a request's headers to the end of its answer. A live page answers until it is closed.",
            "s",
            "histogram_quantile(0.99, sum by (le, method) (rate(assent_http_seconds_bucket[5m])))",
            "{{method}}, 99%",
        ),
        Panel(
            "Notifications",
            "Messages an hour by result, and those that were given up.",
            "short",
            (
                Query("sum by (outcome) (increase(assent_notifications_total[1h]))", "{{outcome}}"),
                Query("max(assent_notifications_dead)", "given up"),
            ),
        ),
        Panel(
            "Events of upstream systems",
            "An hour, by what became of them, and those that are no request.",
            "short",
            (
                Query("sum by (outcome) (increase(assent_upstream_events_total[1h]))", "{{outcome}}"),
                Query("max(assent_upstream_dead_letters)", "dead letters"),
            ),
        ),
    ),
}

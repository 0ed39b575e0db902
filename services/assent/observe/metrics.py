"""The figures that a service exports to Prometheus."""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# Else each counter and histogram has a second series, which nobody needs.
disable_created_metrics()
_STEPS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

DECISIONS = Counter(
    "assent_decisions_total", "Decided commands, by refusal code ('' for none).", ["partition", "refusal"]
)
DECIDE_SECONDS = Histogram(
    "assent_decide_seconds", "From a batch of commands read to its append sent.", buckets=_STEPS_S
)
DECISION_SECONDS = Histogram(
    "assent_decision_seconds",
    "From the broker's time of a batch's oldest command to its decision sent. It includes the difference"
    " between the broker's and the decider's clocks.",
    buckets=(*_STEPS_S, 30, 60, 300),
)
UNDECIDED = Gauge(
    "assent_undecided_commands", "Commands on the partition that its decider has not decided.", ["partition"]
)
OWN_RECORDS = Counter(
    "assent_own_records_total",
    "Records that a decider made without a command, by the type of their event. Each"
    " assent.outcome-unknown.v1 is a lease that ended without a report.",
    ["partition", "event"],
)
LEAD = Gauge("assent_lead", "1 while this process writes the partition.", ["partition"])
PARTITION_STOPPED = Gauge(
    "assent_partition_stopped",
    "1 while the rules have failed on a record and nothing is decided.",
    ["partition"],
)
PARTITION_MISSING = Gauge(
    "assent_partition_missing",
    "1 while the partition is not led because the log holds less than is known.",
    ["partition", "kind"],
)
NOT_READY = Gauge(
    "assent_not_ready",
    "1 while the service lacks what the label names, as /readyz describes; 0 once it was there.",
    ["condition"],
)
OUTAGES = Counter("assent_outages_total", "Times that the service lost what the label names.", ["condition"])
CLOCKS_APART = Gauge(
    "assent_clocks_apart_seconds",
    "How far the broker's and this machine's clocks differ, while that stops decisions; else 0.",
    ["partition"],
)
SNAPSHOT_SEQ = Gauge(
    "assent_snapshot_seq", "The ledger seq of the last snapshot that this process has written.", ["partition"]
)
SNAPSHOT_PAUSE_SECONDS = Histogram(
    "assent_snapshot_pause_seconds",
    "For how long taking a snapshot has held up decisions.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1),
)
LEADS_LOST = Counter("assent_leads_lost_total", "Times that another writer took over.", ["partition"])
OPEN_REQUESTS = Gauge("assent_open_requests", "Requests that hold an object.", ["partition"])
OPEN_REQUESTS_OLDER = Gauge(
    "assent_open_requests_older",
    "Open requests that were submitted at least as many seconds ago as the label states: 0, 3600 (an hour),"
    " 86400 (a day), 604800 (a week). Counted in Postgres every 30 seconds.",
    ["seconds"],
)
UNSETTLED = Gauge(
    "assent_unsettled_requests",
    "Requests whose outcome is unknown, until people settle it. Counted in Postgres every 30 seconds.",
)
UNCLAIMED_SECONDS = Gauge(
    "assent_unclaimed_seconds",
    "How long the oldest release has waited for an applier's claim; 0 if none waits. Counted in Postgres"
    " every 30 seconds.",
)
OPEN_FINDINGS = Gauge(
    "assent_open_findings",
    "Differences at targets that are reported and not closed. Counted in Postgres every 30 seconds.",
)
PROJECTED = Counter("assent_projected_records_total", "Ledger records projected.", ["ledger", "partition"])
PROJECTED_SEQ = Gauge(
    "assent_projected_seq", "The last ledger seq that is durable here.", ["ledger", "partition"]
)
PROJECT_SECONDS = Histogram(
    "assent_project_seconds", "From a batch of records read to its commit.", buckets=_STEPS_S
)
LAG_RECORDS = Gauge(
    "assent_lag_records",
    "Records of the ledger's partition that are not durable here. Looked at every 2 seconds.",
    ["ledger", "partition"],
)
LAG_SECONDS = Gauge(
    "assent_lag_seconds",
    "For how long the oldest of these records has been known to be there; 0 if there are none.",
    ["ledger", "partition"],
)
QUARANTINED = Counter(
    "assent_quarantined_records_total", "Records that the acceptance rule dropped.", ["ledger", "partition"]
)
LOG_DIFFERS = Gauge(
    "assent_log_differs",
    "1 while a partition differs from what is known of it: it was cut, restored or recreated.",
    ["topic", "partition", "finding"],
)
NO_EVIDENCE = Counter(
    "assent_no_evidence_total",
    "Accepted records without signed evidence, by partition of the release, or assent.governance.",
    ["partition"],
)
HTTP_SECONDS = Histogram(
    "assent_http_seconds",
    "From a request's headers to the end of its answer.",
    ["method", "status"],
    buckets=_STEPS_S,
)
SUBMISSIONS_DOUBTED = Counter(
    "assent_submissions_doubted_total",
    "Requests shown without a way to decide: Postgres differs from the ledger, or it could not be read.",
    ["doubt"],
)
APPLIED = Counter("assent_applied_changes_total", "Changes that were claimed, by outcome.", ["outcome"])
FINDINGS = Counter(
    "assent_findings_total", "Differences that were reported, by target and kind.", ["target", "kind"]
)
COMPARED_AT = Gauge(
    "assent_compared_timestamp_seconds", "When each target was last compared with the ledger.", ["target"]
)
DISPATCHED = Counter("assent_dispatched_changes_total", "Changes written to assent.changes.", ["partition"])
NOTIFICATIONS = Counter(
    "assent_notifications_total",
    "Attempts to send a message, by result: sent, failed (will be tried again) or dead.",
    ["kind", "outcome"],
)
NOTIFICATIONS_DEAD = Gauge("assent_notifications_dead", "Messages that were given up and are still stored.")
NOTIFICATIONS_LAG = Gauge("assent_notifications_lag_seconds", "How long the oldest due message has been due.")
UPSTREAM_EVENTS = Counter(
    "assent_upstream_events_total",
    "Events of sources, by what became of them: received, sent, joined, submitted, skipped or dead.",
    ["source", "outcome"],
)
UPSTREAM_DEAD = Gauge("assent_upstream_dead_letters", "Events that are no request and are still stored.")
UPSTREAM_ANSWERS = Counter(
    "assent_upstream_answers_total",
    "Attempts to answer callers at gates, by result: sent, failed (will be tried again) or dead.",
    ["source", "outcome"],
)

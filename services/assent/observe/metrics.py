"""The figures that a service exports to Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

_STEPS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

DECISIONS = Counter(
    "assent_decisions_total", "Decided commands, by refusal code ('' for none).", ["partition", "refusal"]
)
DECIDE_SECONDS = Histogram(
    "assent_decide_seconds", "From a batch of commands read to its append sent.", buckets=_STEPS_S
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
PROJECTED = Counter("assent_projected_records_total", "Ledger records projected.", ["ledger", "partition"])
PROJECTED_SEQ = Gauge(
    "assent_projected_seq", "The last ledger seq that is durable here.", ["ledger", "partition"]
)
PROJECT_SECONDS = Histogram(
    "assent_project_seconds", "From a batch of records read to its commit.", buckets=_STEPS_S
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

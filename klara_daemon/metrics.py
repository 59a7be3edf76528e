"""Every metric of the daemon, declared here and nowhere else.

Labels are words of a closed list (queue, role, disposition, ...), never a person, a company or an id.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def exposition() -> bytes:
    """Every metric in Prometheus' text format, to be answered with `CONTENT_TYPE`."""
    return generate_latest(REGISTRY)


# Messages and steps

MESSAGES_HANDLED = Counter(
    "klara_messages_handled",
    "Messages taken from a queue, by what became of them",
    ["queue", "result"],
    registry=REGISTRY,
)
"""`result`: `done`, `repeated` (seen before), `parked`."""
STEP_SECONDS = Histogram(
    "klara_step_seconds",
    "From the first message of a batch to its commit",
    ["queue"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
BATCH_MESSAGES = Histogram(
    "klara_batch_messages", "Messages in one batch", ["queue"], buckets=(1, 2, 4, 8, 16, 32, 64), registry=REGISTRY
)
MESSAGES_PARKED = Gauge(
    "klara_messages_parked", "Messages in the table of those that nobody could handle", registry=REGISTRY
)
ROUNDS_FAILED = Counter(
    "klara_rounds_failed", "Pieces of work that failed in an unforeseen way, by actor", ["actor"], registry=REGISTRY
)
OUTBOX_ROWS = Gauge("klara_outbox_rows", "Outgoing messages that are not confirmed yet", registry=REGISTRY)
OUTBOX_OLDEST_SECONDS = Gauge("klara_outbox_oldest_seconds", "Age of the oldest of them", registry=REGISTRY)

# Candidates

OUTREACHES = Gauge("klara_outreaches", "Outreaches that have not ended, by state", ["state"], registry=REGISTRY)
OUTREACHES_OVERDUE = Gauge("klara_outreaches_overdue", "Outreaches whose call is past due", registry=REGISTRY)
OUTREACHES_ENDED = Counter(
    "klara_outreaches_ended", "Outreaches that ended, by outcome", ["outcome"], registry=REGISTRY
)
SETTINGS_HELD = Gauge(
    "klara_settings_held", "Outreaches that wait for a person to change the settings", registry=REGISTRY
)
COMPANIES_TO_RECONNECT = Gauge(
    "klara_companies_to_reconnect", "Companies whose Recruitee token is refused", registry=REGISTRY
)
INVARIANT_VIOLATIONS = Gauge(
    "klara_invariant_violations",
    "Rows that break what must always hold, by invariant",
    ["invariant"],
    registry=REGISTRY,
)

# Calls

DIALS = Counter("klara_dials", "Requests for a call, by the phone company's answer", ["result"], registry=REGISTRY)
"""`result`: `placed`, `rejected`, `not_sent`, `uncertain`; later, of the uncertain ones, `never_placed`."""
ATTEMPTS_ENDED = Counter(
    "klara_attempts_ended", "Attempts that ended, by disposition", ["disposition"], registry=REGISTRY
)
ATTEMPTS_UNCLEAR = Gauge(
    "klara_attempts_unclear", "Attempts of which it is not known whether they ring", registry=REGISTRY
)
TRUNKS_PAUSED = Gauge("klara_trunks_paused", "Trunks that are paused, or tried with a single call", registry=REGISTRY)
CALLS_LIVE = Gauge("klara_calls_live", "Calls whose conversation this process holds", registry=REGISTRY)

# The world outside

RECRUITEE_REQUESTS = Counter(
    "klara_recruitee_requests", "Requests to Recruitee, by class of the answer's status", ["status"], registry=REGISTRY
)
"""`status`: `2xx`, `3xx`, `4xx`, `429`, `5xx`, `none` (no answer)."""
TELEPHONY_REQUESTS = Counter(
    "klara_telephony_requests",
    "Requests to the phone company, by class of the answer's status",
    ["status"],
    registry=REGISTRY,
)
WEBHOOKS = Counter(
    "klara_webhooks", "Webhooks received, by sender and status of our answer", ["sender", "status"], registry=REGISTRY
)

# This process

ACTOR_LAST_PROGRESS = Gauge(
    "klara_actor_last_progress_timestamp_seconds",
    "When an actor last made progress, Unix time",
    ["actor"],
    registry=REGISTRY,
)
CLOCK_OFFSET_SECONDS = Gauge(
    "klara_clock_offset_seconds",
    "This machine's clock minus the database's; past 5 nobody is called",
    registry=REGISTRY,
)


def status_class(status: int | None) -> str:
    """The label of an HTTP status: `2xx` to `5xx`, `429` by itself, `none` where no answer came."""
    if status is None:
        return "none"
    return "429" if status == 429 else f"{status // 100}xx"

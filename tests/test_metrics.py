"""The metrics are declared once, named alike, and hold nobody's data."""

from __future__ import annotations

from prometheus_client import REGISTRY as GLOBAL_REGISTRY
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from klara_daemon import metrics

BOUNDED_LABELS = {"actor", "disposition", "invariant", "outcome", "queue", "result", "sender", "state", "status"}


def declared() -> list[MetricWrapperBase]:
    return [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]


def test_every_metric_is_the_daemons_own_and_says_what_it_is() -> None:
    names = set()
    for metric in declared():
        (family,) = metric.describe()
        assert family.name.startswith("klara_")
        assert family.documentation
        names.add(family.name)
    assert len(names) == len(declared()) > 20


def test_no_label_can_tell_a_person_or_grow_without_end() -> None:
    labels = {label for metric in declared() for label in metric._labelnames}
    assert labels <= BOUNDED_LABELS


def test_nothing_is_declared_in_the_libraries_global_registry() -> None:
    assert not [family.name for family in GLOBAL_REGISTRY.collect() if family.name.startswith("klara_")]


def test_the_exposition_is_prometheus_text_with_the_process_beside_it() -> None:
    metrics.MESSAGES_HANDLED.labels("klara.dialer.dial_due", "done").inc()
    families = {family.name: family for family in text_string_to_metric_families(metrics.exposition().decode())}
    assert {
        "klara_messages_handled",
        "klara_outbox_oldest_seconds",
        "process_open_fds",
        "python_info",
    } <= families.keys()
    handled = [sample.labels for sample in families["klara_messages_handled"].samples]
    assert {"queue": "klara.dialer.dial_due", "result": "done"} in handled
    assert metrics.CONTENT_TYPE.startswith("text/plain; version=")


def test_a_status_has_a_class() -> None:
    assert [metrics.status_class(status) for status in (200, 204, 302, 401, 422, 429, 500, 503, None)] == [
        "2xx", "2xx", "3xx", "4xx", "4xx", "429", "5xx", "5xx", "none",
    ]  # fmt: skip

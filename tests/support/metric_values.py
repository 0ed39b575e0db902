"""What a metric exports."""

from prometheus_client.metrics import MetricWrapperBase


def value(metric: MetricWrapperBase, **labels: str) -> float | None:
    """The value with these labels; None if there is none."""
    [family] = metric.collect()
    names = (family.name, f"{family.name}_total")
    found = [each.value for each in family.samples if each.name in names and each.labels == labels]
    return found[0] if found else None

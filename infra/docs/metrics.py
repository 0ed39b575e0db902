"""The metrics, from the module that defines them."""

from prometheus_client.metrics import MetricWrapperBase

from assent.observe import metrics
from infra.docs.markdown import code, table


def page() -> str:
    """The reference page."""
    rows = []
    for each in vars(metrics).values():
        if isinstance(each, MetricWrapperBase):
            [family] = list(each.describe())
            name = family.name + ("_total" if family.type == "counter" else "")
            labels = ", ".join(code(label) for label in each._labelnames)  # noqa: SLF001  the library has no other way
            rows.append(
                (code(name), family.type, unit_of(name, family.documentation), labels, family.documentation)
            )
    return "\n\n".join(
        (
            "# Metrics",
            (
                "Every service exports its metrics to Prometheus at `/metrics`, on the port of"
                " `ASSENT_HTTP_PORT`."
            ),
            table(("metric", "type", "unit", "labels", "meaning"), rows),
        )
    )


def unit_of(name: str, meaning: str) -> str:
    """The unit of a metric, which its name or the first words of its meaning state."""
    if name.endswith("_timestamp_seconds"):
        return "seconds since 1970"
    if name.endswith("_seconds"):
        return "seconds"
    if name.endswith("_seq"):
        return "ledger seq"
    return "1 or 0" if meaning.startswith("1 while ") else "number"

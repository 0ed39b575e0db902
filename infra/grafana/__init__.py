"""The dashboard for Grafana, made from a table: `python -m infra.grafana` writes `assent.json`."""

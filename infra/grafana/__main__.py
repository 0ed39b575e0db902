"""`python -m infra.grafana`"""

from infra.grafana.dashboard import FILE, dashboard

FILE.write_text(dashboard(), encoding="utf-8")

"""The rights of each login on Kafka, from infra/acls.yaml."""

import yaml

from infra.docs.markdown import code, table
from infra.docs.places import ROOT


def page() -> str:
    """The reference page."""
    roles = yaml.safe_load((ROOT / "infra" / "acls.yaml").read_text(encoding="utf-8"))["roles"]
    parts = [
        "# Rights",
        (
            "`assent acls apply` gives these rights to the logins on a Kafka cluster. A login is called like"
            " its role, or as `--login ROLE=LOGIN` states. `read` and `write` include `describe`. A group"
            " that ends in `*` stands for all groups that begin so. No login has a right on the cluster."
        ),
    ]
    for role, rights in roles.items():
        parts.append(f"## `{role}`")
        if rights.get("founding"):
            parts.append("Only with `--founding`: take it away after `assent init`.")
        rows = [(code(topic), ", ".join(operations)) for topic, operations in rights["topics"].items()]
        rows += [(f"group {code(group)}", "read") for group in rights.get("groups", ())]
        parts.append(table(("topic or group", "may"), rows))
    return "\n\n".join(parts) + "\n"

"""Finds the files of infra/ that the services read at run time."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def infra_path(name: str) -> Path:
    """The path of `name`, relative to infra/: `infra_path("topics.yaml")`, `infra_path("demo")`.

    A wheel contains these files inside the package (pyproject.toml lists them). An editable install reads
    them from the checkout, so an edit takes effect at once.

    Raises FileNotFoundError when this installation has no such file.
    """
    packed = _PACKAGE / "_infra"
    path = (packed if packed.is_dir() else _PACKAGE.parents[1] / "infra") / name
    if not path.exists():
        msg = f"infra/{name} is not part of this installation (looked for {path})"
        raise FileNotFoundError(msg)
    return path

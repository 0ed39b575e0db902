"""The configuration of a reconciler: every fault is named with its place."""

from pathlib import Path

import pytest

from assent.infra_files import infra_path
from assent.process_settings import SettingsError
from assent.reconcile.configuration import TABLES, read_configuration

SHIPPED = sorted(infra_path("reconcilers").glob("*.toml"))


HTTP = """
name = "x"
kind = "http"
[http]
url = "https://x"
hosts = ["x"]
items = ""
object = "/id"
type = "flag"
"""


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_configuration_is_valid(file: Path) -> None:
    configuration = read_configuration(file)
    assert isinstance(configuration.table, TABLES[configuration.common.kind])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('name = "x"\nkind = "files"', "[files]: this table is required"),
        ('name = "x y"\nkind = "files"\n[files]\nfolder = "/x"', "name: "),
        ('kind = "files"\n[files]\nfolder = "/x"', "`name`"),
        ('name = "x"\nkind = "files"\nevry_s = 1\n[files]\nfolder = "/x"', "evry_s"),
        ('name = "x"\nkind = "files"\n[files]\nfolder = "relative"', "files.folder: "),
        (
            'name = "x"\nkind = "files"\n[files]\nfolder = "/x"\n[sql]\ndsn = "env:X"',
            "[sql]: the kind is another",
        ),
        ('name = "x"\nkind = "sql"\n[sql]\ndsn = "env:X"', "sql.table: this or `listing`"),
        ('name = "x"\nkind = "sql"\n[sql]\ndsn = "env:X"\ntable = "a; drop"', "sql.table: "),
        (
            HTTP,
            "http.version: either this or `digest`",
        ),
        ('name = "x"\nkind = "git"\n[git]\nurl = "ext::sh"', "git.url: "),
        ("not toml", "cannot be read"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "reconcile.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        read_configuration(file)
    assert fault in str(raised.value)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "reconcile.toml"
    file.write_text("#" * (1024 * 1024 + 1))
    with pytest.raises(SettingsError, match="more than 1048576 bytes"):
        read_configuration(file)

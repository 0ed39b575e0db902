"""The configuration of a reconciler: every fault is named with its place."""

from pathlib import Path

import pytest

from assent.infra_files import infra_path
from assent.process_settings import SettingsError
from assent.reconcile.configuration import TABLES, read_configurations

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


TWO = """
[[targets]]
name = "first"
kind = "files"
objects = ["app/*"]
[targets.files]
folder = "/first"
[[targets]]
name = "second"
kind = "files"
[targets.files]
folder = "/second"
"""


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_configuration_is_valid(file: Path) -> None:
    [configuration] = read_configurations(file)
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
        ("targets = []", "targets: 1 to 100 tables"),
        ("targets = 1", "targets: 1 to 100 tables"),
        ("targets = [1]", "targets[0]: it is a table"),
        (f"every_s = 5\n{TWO}", "targets: with this list"),
        (TWO.replace('"second"', '"first"'), "targets: first is the name of two"),
        (TWO.replace('"/second"', '"second"'), "targets[1].files.folder: "),
        (TWO.replace('"app/*"', '"*"'), "targets[0].objects[0]: "),
        (TWO.replace('["app/*"]', "[]"), "targets[0].objects: "),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "reconcile.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        read_configurations(file)
    assert fault in str(raised.value)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "reconcile.toml"
    file.write_text("#" * (1024 * 1024 + 1))
    with pytest.raises(SettingsError, match="more than 1048576 bytes"):
        read_configurations(file)


def test_a_file_can_list_several_targets_each_with_its_own_objects(tmp_path: Path) -> None:
    file = tmp_path / "reconcile.toml"
    file.write_text(TWO)
    first, second = read_configurations(file)
    assert [each.common.name for each in (first, second)] == ["first", "second"]
    assert first.is_here("app/web")
    assert not first.is_here("script/app/web")
    assert second.is_here("script/anything")

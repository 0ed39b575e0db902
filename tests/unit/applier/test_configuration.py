"""The configuration of an applier: what is valid, what is documented, and how a fault is named."""

from pathlib import Path

import pytest

from assent.applier.configuration import TABLES, configuration_of, read_configuration
from assent.applier.targets.files.table import FilesTable
from assent.applier.targets.secrets import SecretError, read_secret
from assent.process_settings import SettingsError
from infra.docs.appliers import TABLES as DOCUMENTED
from infra.docs.appliers import rows_of
from tests.docs.pages import DOCS, blocks_of

FILES = 'kind = "files"\n[files]\nfolder = "/x"\n'


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "applier.toml").write_text(text)
    return tmp_path / "applier.toml"


@pytest.mark.parametrize(
    "text", [each.text for each in blocks_of(DOCS / "how-to/appliers.md") if each.language == "toml"]
)
def test_configurations_on_the_page_are_valid_and_of_every_kind(text: str, tmp_path: Path) -> None:
    configuration = read_configuration(written(tmp_path, text))
    assert isinstance(configuration.table, TABLES[configuration.limits.kind])


def test_page_has_a_configuration_of_every_kind() -> None:
    text = (DOCS / "how-to/appliers.md").read_text()
    assert all(f'kind = "{kind}"' in text for kind in TABLES)


def test_every_field_is_documented() -> None:
    for _, module, name in DOCUMENTED:
        for field, said, _ in rows_of(module, name):
            assert said.endswith("."), f"{name}.{field}"


def test_without_a_file_the_target_folder_is_kept(tmp_path: Path) -> None:
    configuration = configuration_of(None, tmp_path)
    assert configuration.table == FilesTable(folder=str(tmp_path))
    assert configuration.limits.types is None


def test_neither_file_nor_folder_is_a_fault_that_names_both() -> None:
    with pytest.raises(SettingsError, match="Set ASSENT_APPLIER_FILE, or ASSENT_TARGET"):
        configuration_of(None, None)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (FILES + "folders = 1\n", ["- files.Object contains unknown field `folders`"]),
        ("x = 1\n" + FILES, ["- Object contains unknown field `x`"]),
        ("concurrency = 0\n" + FILES, ["- concurrency: Expected `int` >= 1"]),
        ('types = ["UPPER"]\n' + FILES, ["- types[0]: "]),
        ('kind = "ftp"', ["- kind: Invalid enum value 'ftp'"]),
        (
            'kind = "http"\n[http]\nhosts = ["a b"]\nsteps = []\n[git]\nurl = "ftp://x"',
            ["- http.hosts[0]: ", "- git.url: ", "- [git]: the kind is another one"],
        ),
        ('kind = "git"\n[git]\nurl = "https://x/y"\ntoken = "plain-secret"', ["- git.token: "]),
        ('kind = "git"\n[git]\nurl = "ext::sh -c x"', ["- git.url: "]),
        ('kind = "git"\n[git]\nurl = "/x"\nbranch = "-x"', ["- git.branch: "]),
        ('kind = "git"\n[git]\nurl = "/x"\nfolder = "../"', ["- git.folder: "]),
        ('kind = "git"\n[git]\nurl = "/x"\nfolder = ".git/"', ["- git.folder: "]),
        ('kind = "sql"\n[sql]\ndsn = "postgresql://u:p@h/d"\nstatements = [{}]', ["- sql.dsn: "]),
        ('kind = "sql"\n[sql]\ndsn = "env:D"\nstatements = [{}]\ntable = "a; drop"', ["- sql.table: "]),
    ],
)
def test_fault_is_named_with_its_place(text: str, faults: list[str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        read_configuration(written(tmp_path, text))
    for fault in faults:
        assert fault in str(raised.value)
    assert "plain-secret" not in str(raised.value)


def test_file_that_is_missing_or_too_large_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_configuration(tmp_path / "missing")
    with pytest.raises(SettingsError, match="more than"):
        read_configuration(written(tmp_path, "#" * 2_000_000))


def test_secret_is_read_from_its_place_and_never_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a-secret\n")
    assert read_secret(f"file:{tmp_path}/secret") == "a-secret"
    assert read_secret("env:TOKEN", {"TOKEN": "a-secret"}) == "a-secret"
    for place in ("env:MISSING", f"file:{tmp_path}/missing", f"file:{tmp_path}"):
        with pytest.raises(SecretError, match=place):
            read_secret(place, {})

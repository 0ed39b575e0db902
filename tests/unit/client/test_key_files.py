"""A key file that others can read or change is refused, and the refusal says what to do."""

from pathlib import Path

import pytest

from assent_contracts.client.keys import KeyFileError, SecretKey, load_key

SEED = bytes(range(32))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "alice.key"
    SecretKey("alice-1", "alice", SEED).save(path)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640, 0o700])
def test_a_key_that_its_owner_and_at_most_its_group_reads_is_loaded(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert load_key(file).principal == "alice"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o620, 0o602, 0o666, 0o777])
def test_a_key_that_others_read_or_that_a_group_changes_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    secret = SecretKey("alice-1", "alice", SEED)
    with pytest.raises(KeyFileError) as refused:
        load_key(file)
    said = str(refused.value)
    assert f"chmod 600 {file}" in said
    assert f"{mode:04o}" in said
    assert "defaultMode" in said
    assert secret.public not in said


def test_a_link_is_judged_by_the_file_that_it_leads_to(file: Path) -> None:
    """As a Secret in a pod, which is a link into the folder of its version."""
    link = file.with_name("link.key")
    link.symlink_to(file)
    assert load_key(link).id == "alice-1"
    file.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_key(link)


def test_a_file_without_an_end_is_not_read_as_a_whole() -> None:
    with pytest.raises(KeyFileError):
        load_key(Path("/dev/zero"))

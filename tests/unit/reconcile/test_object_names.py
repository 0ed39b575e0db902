"""R28: the object of a file, found from its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.applier.targets.file_names import file_name
from assent.reconcile.object_names import object_of_file
from assent.reconcile.target_text import name_text, version_text
from assent_contracts import limits
from assent_contracts.form_refusals import is_identifier
from assent_contracts.resources import is_resource


def path_of(resource: str) -> str:
    kind, _, name = resource.partition("/")
    return f"{file_name(kind)}/{file_name(name)}"


@given(st.text(min_size=1, max_size=60).map(lambda name: f"script/{name}").filter(is_resource))
def test_R28_the_object_of_an_appliers_file_is_found(resource: str) -> None:
    path = path_of(resource)
    found = object_of_file(path, path_of)
    # A long name has a hash instead: such objects are known from the ledger.
    assert found == resource or "~" in path


@given(st.binary(min_size=1, max_size=300).filter(lambda name: b"/" not in name))
def test_R28_every_file_of_a_type_is_an_object_whatever_its_name(name: bytes) -> None:
    path = f"script/{name.decode(errors='surrogateescape')}"
    found = object_of_file(path, path_of)
    assert found is not None
    assert is_resource(found)
    if path_of(found) != path:
        assert found == path or "%" in found or found == f"script/{name.decode()}"


@pytest.mark.parametrize("path", ["Script/x", "\udcff/x", "script", "script/", "/x"])
def test_R28_a_file_of_no_type_is_no_object(path: str) -> None:
    assert object_of_file(path, path_of) is None


@given(st.text(max_size=400))
def test_R28_what_a_target_states_fits_a_report(text: str) -> None:
    assert is_identifier(version_text(text), limits.VERSION_MAX_CHARS)
    named = name_text(text)
    assert named is None or 0 < len(named) <= limits.FINDING_BY_MAX_CHARS


@given(st.text(max_size=300), st.text(max_size=300))
def test_R28_two_versions_stay_two(one: str, other: str) -> None:
    assert (version_text(one) == version_text(other)) == (one == other)

import subprocess
import sys

import assent_contracts


def test_every_public_name_is_listed_once() -> None:
    assert len(set(assent_contracts.__all__)) == len(assent_contracts.__all__)
    for name in assent_contracts.__all__:
        assert getattr(assent_contracts, name) is not None


def test_importing_the_contracts_needs_only_msgspec() -> None:
    """No Kafka client, no cryptography. (msgspec uses typing_extensions where it is installed.)"""
    program = (
        "import sys; before = set(sys.modules); import assent_contracts, assent_contracts.schemas.generate\n"
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(loaded - set(sys.stdlib_module_names) - {'typing_extensions'}))"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    assert output.split() == ["assent_contracts", "msgspec"]

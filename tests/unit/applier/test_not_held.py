"""What an applier says of changes that its target has lost."""

from assent.applier.service import tell
from assent.observe.health import Health
from assent_contracts.client.applier_results import Handled


def test_what_the_target_lacks_is_noted_with_its_number() -> None:
    health, not_held = Health(), set[str]()
    for request in ("0-1", "0-2", "0-2"):
        tell(Handled(result="not-held", request=request, resource="script/a"), health, not_held)
    assert health.missing() == {}
    assert "2 objects are not in the target" in health.noted()["target"].why

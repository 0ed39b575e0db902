"""An applier's report on changes that its target has lost."""

from assent.applier.service import tell
from assent.observe.health import Health
from assent_contracts.client.handled import Handled


def test_changes_missing_from_the_target_are_noted_with_their_number() -> None:
    health, not_held = Health(), set[str]()
    for request in ("0-1", "0-2", "0-2"):
        tell(Handled(result="not-held", request=request, resource="script/a"), health, not_held)
    assert health.missing() == {}
    assert "2 objects are not in the target" in health.noted()["target"].why

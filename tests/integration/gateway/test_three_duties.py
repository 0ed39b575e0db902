"""R25 on the real stack: an applier claims only once it is known that a third person runs it."""

from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.commands import Claim
from tests.support.gateway import Gateway
from tests.support.log import APPLIER


async def test_R25_applier_of_nobody_known_or_of_an_approver_cannot_claim(gateway: Gateway) -> None:
    policy = {
        "id": "kiosks",
        "name": "Kiosks",
        "resource_type": "kiosk",
        "approvals": [{"quorum": 1, "groups": ["endpoint-admins"]}],
        "separate_operator": True,
    }
    await gateway.governed({"type": "assent.create-policy.v1", "policy": policy})
    request = await gateway.released("kiosk/lobby")

    async def claimed() -> str:
        command = Claim(
            id=new_command_id(), principal=APPLIER, at=now_ms(), resource="kiosk/lobby", request=request
        )
        decided = await gateway.actor.send(command)
        return "claimed" if decided.refusal is None else decided.refusal.code.value

    assert await claimed() == "operator-unknown"
    await gateway.governed({"type": "assent.set-operator.v1", "principal": APPLIER, "operator": "bob"})
    assert await claimed() == "operator-involved"
    await gateway.governed({"type": "assent.set-operator.v1", "principal": APPLIER, "operator": "erin"})
    assert await claimed() == "claimed"

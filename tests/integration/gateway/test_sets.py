"""R29 over HTTP and in the console: a set, its members, and who decides."""

from assent_contracts.client.publisher import now_ms
from assent_contracts.digests import sha256_hex
from tests.support.console import load
from tests.support.gateway import Gateway, refused

HOUR_MS = 60 * 60 * 1_000


async def test_R29_the_page_of_a_set_lists_its_members_and_theirs_lead_to_it(gateway: Gateway) -> None:
    ends = now_ms() + HOUR_MS
    text = '"echo"'
    listed = [
        {"resource": f"script/of-set-{n}.sh", "operation": "edit", "digest": sha256_hex(text.encode())}
        for n in range(2)
    ]
    of_set = {"payload": {"members": listed}, "members": 2, "not_after": ends}
    name = (await gateway.submit("script/all.sh", **of_set))["request"]
    there = await gateway.submit("script/of-set-0.sh", payload="echo", part_of=name, not_after=ends)
    member = there["request"]
    refused(await gateway.act(member, "cancel", "alice"), 409, "part-of-set")
    await gateway.show(member, after=there["position"])
    people = await gateway.signed_in("alice")
    page = (await load(people, f"/requests/{name}")).text
    assert "1 of 2 objects are in the ledger" in page
    assert f'href="/requests/{member}"' in page
    assert f'href="/requests/{name}"' in (await load(people, f"/requests/{member}")).text


async def test_R23_R29_the_page_of_a_set_lists_nothing_that_only_names_the_set(gateway: Gateway) -> None:
    ends = now_ms() + HOUR_MS
    listed = [
        {"resource": "script/shown.sh", "operation": "edit", "digest": sha256_hex(b'"echo bad"')},
    ]
    of_set = {"payload": {"members": listed}, "members": 1, "not_after": ends}
    name = (await gateway.submit("script/set-of-one.sh", **of_set))["request"]
    for resource in ("script/shown.sh", "script/harmless.sh"):
        decoy = await gateway.submit(resource, payload="echo good", part_of=name, not_after=ends)
        await gateway.show(decoy["request"], after=decoy["position"])
    page = (await load(await gateway.signed_in("alice"), f"/requests/{name}")).text
    assert "0 of 1 objects are in the ledger" in page
    assert "Their contents are not shown here" in page
    assert f'href="/requests/{decoy["request"]}"' not in page


async def test_R29_a_long_set_is_shown_page_by_page_and_only_with_what_it_lists(gateway: Gateway) -> None:
    ends = now_ms() + HOUR_MS
    digest = sha256_hex(b'"echo"')
    names = [f"script/long-{number:02}.sh" for number in range(60)]
    listed = [{"resource": each, "operation": "edit", "digest": digest} for each in names]
    set_ = (
        await gateway.submit(
            "script/long.sh", payload={"members": listed}, members=len(listed), not_after=ends
        )
    )["request"]
    # It names the set, which does not list it.
    await gateway.submit("script/not-listed.sh", payload="echo", part_of=set_, not_after=ends)
    there = await gateway.submit(names[55], payload="echo", part_of=set_, not_after=ends)
    await gateway.show(there["request"], after=there["position"])
    people = await gateway.signed_in("alice")
    first = (await load(people, f"/requests/{set_}")).text
    second = (await load(people, f"/requests/{set_}?members=2")).text
    assert "1 of 60 objects are in the ledger" in first
    assert "Page 1 of 2" in first
    assert first.count("not in the ledger yet") == 50
    assert f'href="/requests/{there["request"]}"' not in first
    assert f'href="/requests/{there["request"]}"' in second
    assert second.count("not in the ledger yet") == 9
    assert "script/not-listed.sh" not in first + second
    assert (await people.get(f"/requests/{set_}?members=0")).status_code == 400
    assert (await people.get(f"/requests/{set_}?members=20")).text.count("Page 2 of 2") == 1

"""A policy as the options of the command line describe it."""

from assent.cli.app import app
from assent.cli.policy_options import given_fields
from assent_contracts.access_policies import ApprovalRule


def test_a_policy_is_created_and_edited_with_the_same_options() -> None:
    arguments = (
        "--approval",
        "2:security",
        "--approval",
        "1:owners,it",
        "--no-own-signature",
        "--expiry",
        "1d",
        "--demand",
        "impact",
        "--demand",
        "tickets",
    )
    names = ("--name", "Apps", "--completion", "automatic", "--rejections", "2", "--on-behalf-of", "required")
    names += ("--settlements", "2")
    given = []
    for command in ("create", "edit"):
        _, bound, _ = app.parse_args(("policies", command, "apps", *arguments, *names, "--description", "x"))
        given.append(given_fields(bound.arguments["policy_options"]))
    assert (
        given[0]
        == given[1]
        == {
            "name": "Apps",
            "description": "x",
            "rejections": 2,
            "completion": "automatic",
            "own_signature": False,
            "on_behalf_of": "required",
            "settlements": 2,
            "approvals": (
                ApprovalRule(quorum=2, groups=("security",)),
                ApprovalRule(quorum=1, groups=("owners", "it")),
            ),
            "expiry_ms": 86_400_000,
            "demands": ("impact", "tickets"),
        }
    )


def test_R24_a_policy_can_demand_nothing_again() -> None:
    _, bound, _ = app.parse_args(("policies", "edit", "apps", "--demand", "none"))
    assert given_fields(bound.arguments["policy_options"]) == {"demands": ()}

"""Texts on their way into a page: the reason for a refusal starts with its meaning."""

import pytest

from assent.gateway.console.rendering import in_words


@pytest.mark.parametrize(
    ("detail", "html"),
    [
        ("R9: this is your own.", 'This is your own. <span class="rule-code">(R9)</span>'),
        ("groups cannot be excluded (R2)", "groups cannot be excluded (R2)"),
        ("R9 is not a rule of <b>", "R9 is not a rule of &lt;b&gt;"),
        ("R22: <i>\u202ex", '&lt;i&gt;⟨U+202E⟩x <span class="rule-code">(R22)</span>'),
    ],
)
def test_code_of_a_rule_follows_its_meaning_and_nothing_becomes_markup(detail: str, html: str) -> None:
    assert str(in_words(detail)) == html

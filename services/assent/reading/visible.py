"""Text of others, with nothing in it that a reader does not see."""


def visible(text: str, *, also: str = "") -> str:
    """The text with everything that a screen would obey, hide or turn round shown as its number.

    What others wrote must not move the cursor, nor look like something else. `also`: characters to keep.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in also else f"\\u{{{ord(each):x}}}" for each in text)

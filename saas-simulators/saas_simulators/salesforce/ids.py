"""Record ids: 15 characters whose case matters, and 18 that survive programs to which it does not."""

from __future__ import annotations

import re
import string

SUFFIX = string.ascii_uppercase + "012345"
DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
SERVER = "5g0000"  # between the key prefix and the number, as the parts of real ids that name their server
# Numbers start where ids have letters of both cases, as those of an org in use.
FIRST_NUMBER = 62**4 * 10
NUMBER_CHARS = 15 - 3 - len(SERVER)
_ID = re.compile(r"[0-9A-Za-z]{15}(?:[A-Za-z0-5]{3})?")


def with_suffix(short: str) -> str:
    """Return the 18 characters of a 15-character id.

    >>> with_suffix("001ak00000OQTie")
    '001ak00000OQTieAAH'
    """
    # source: reproduces all recorded ids (cumulusci, grouparoo, amp-labs): bit i of each block of 5 is set for A-Z
    suffix = ""
    for start in (0, 5, 10):
        block = short[start : start + 5]
        suffix += SUFFIX[sum(1 << place for place, char in enumerate(block) if "A" <= char <= "Z")]
    return short + suffix


def normal_id(text: str) -> str | None:
    """Return the 18 characters of an id in any form, or None when the text is none.

    Letters of 18 characters whose case was lost get it back from the suffix (inferred).

    >>> normal_id("001ak00000OQTie"), normal_id("001AK00000OQTIEAAH"), normal_id("NotReal")
    ('001ak00000OQTieAAH', '001ak00000OQTieAAH', None)
    """
    if not _ID.fullmatch(text):
        return None
    if len(text) == len("001ak00000OQTie"):
        return with_suffix(text)
    short = ""
    for start, char in zip((0, 5, 10), text[15:].upper(), strict=True):
        bits = SUFFIX.index(char)
        block = enumerate(text[start : start + 5])
        short += "".join(char.upper() if bits >> place & 1 else char.lower() for place, char in block)
    return with_suffix(short)


def make_id(prefix: str, number: int) -> str:
    """Return the id of the n-th row of an object.

    >>> make_id("001", 1)
    '0015g00000A0001AAB'
    """
    digits = ""
    rest = FIRST_NUMBER + number
    for _ in range(NUMBER_CHARS):
        rest, digit = divmod(rest, 62)
        digits = DIGITS[digit] + digits
    return with_suffix(prefix + SERVER + digits)

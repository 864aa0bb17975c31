"""Hides password literals in SQL that is about to be shown."""

from __future__ import annotations

import re

__all__ = ["mask_passwords"]

_PASSWORD = re.compile(
    r"""(?P<before>\b(?:password|secret|passphrase)\b["']?\s*(?:=>?|:|,)?\s*E?')"""
    r"""(?P<secret>(?:[^']|'')*)""",
    re.IGNORECASE,
)


def mask_passwords(text: str) -> str:
    """Return the text with the letters of every password literal as asterisks.

    The length stays, so that a caret below the text still stands below its character.
    """
    return _PASSWORD.sub(lambda match: match["before"] + "*" * len(match["secret"]), text)

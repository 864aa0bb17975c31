"""Masks the values of a row that may be secrets, before the row is shown.

A value is masked as a whole if the name of its column, or of its table, is one of a secret, if it
has the shape of a known kind of secret, if it stands beside the name of a secret, as in a table of
keys and values, or if it is a text with such a name. Of a JSON value, the members with such names
are masked.
"""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

from pgbraid.model.snapshot import MASKED_VALUE
from pgbraid.sql.secrets import NO_SECRETS, Secrets, mask, secrets_in

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["mask_values", "masked_setting", "names_a_secret"]

_WORD = (
    r"(?:password|passwd|passphrase|passcode|pwd|secret|token|credentials?|salt|otp|jwt|cookie"
    r"|(?:api|access|private|signing|session|encrypt(?:ion)?)[_-]?key)"
)
_IN_A_NAME = re.compile(_WORD, re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_.-]{1,64}")
"""A value that can be the name of another value, as in a table of keys and values. A password such
as ``secret123`` is none."""
_USERINFO = re.compile(r"://[^\s/:@]*:[^\s@]+@")
_SHAPE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\$(?:2[abxy]?|5|6|y|argon2\w*|scrypt)\$|SCRAM-SHA-256\$"
    r"|md5[0-9a-f]{32}\b|pbkdf2_|eyJ[\w-]+\.[\w-]+\.|\b(?:sk|rk|pk|whsec)_\w{8}|\bgh[oprsu]_\w{8}"
    r"|\bgithub_pat_|\bglpat-|\bxox[abeoprs]-|\bAKIA[0-9A-Z]{12}|\bAIza[\w-]{20}"
)
"""Private keys, hashes of passwords, tokens of well-known services."""
_MIXED = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])\S{6,}")
"""A likely secret is masked only in this form, because most literals of a statement are words."""
_KEY = token_bytes(16)
"""Random in each process, so that the digest of a secret is of no use outside it."""


def names_a_secret(name: str) -> bool:
    """Return whether the name of a column or table is one of a secret, such as ``token_hash``."""
    return _IN_A_NAME.search(name) is not None


def masked_setting(name: str, value: str) -> str:
    """Return the value of a server setting; a digest if it may be a secret.

    The digests of two values are equal if the values are; the key differs in each process.
    """
    if mask_values("", {name: value})[name] == value:
        return value
    return f"{MASKED_VALUE} ({blake2b(value.encode(), digest_size=4, key=_KEY).hexdigest()})"


def mask_values(
    table: str,
    values: Mapping[str, str | None],
    secrets: Secrets = NO_SECRETS,
    *,
    plain: frozenset[str] = frozenset(),
) -> dict[str, str | None]:
    """Return the values of a whole row, by column, with the secrets masked.

    ``secrets`` are the secrets in the migrations. The columns in ``plain`` hold no texts, but
    numbers, times or truth values; they are masked only because of their own names.
    """
    named = {name for name in values if names_a_secret(name)}
    texts = {name for name, value in values.items() if value and name not in named | plain}
    # In a table of secrets, and beside the name of a secret, any text may be the secret.
    beside = [name for name in values if name in texts and _is_name_of_secret(values[name] or "")]
    suspect = texts if names_a_secret(table) else texts.difference(beside[:1]) if beside else set()
    # A statement that writes such a column mentions it, so all its literals are likely secrets.
    likely = {s for s in secrets.likely if _MIXED.fullmatch(s)} if not named else set()
    return {
        name: value
        if not value or (name in plain and name not in named)
        else MASKED_VALUE
        if name in named or name in suspect or (value in likely and name not in beside[:1])
        else _masked_parts(value, secrets)
        for name, value in values.items()
    }


def _is_name_of_secret(value: str) -> bool:
    return _NAME.fullmatch(value) is not None and names_a_secret(value)


def _masked_parts(value: str, secrets: Secrets) -> str:
    """Return a value with the secrets in it masked, or masked as a whole."""
    if _SHAPE.search(value):
        return MASKED_VALUE
    if value[:1] in "{[" and _IN_A_NAME.search(value):
        try:
            return json.dumps(_masked_members(json.loads(value)), ensure_ascii=False)
        except ValueError:  # it is cut, or no JSON
            return MASKED_VALUE
    if names_a_secret(value) and not _is_name_of_secret(value):
        return MASKED_VALUE
    value = _USERINFO.sub(f"://{MASKED_VALUE}@", value)
    quoted = "'" + value.replace("'", "''") + "'"
    return mask(value, Secrets(secrets_in(quoted).certain | secrets.certain))


def _masked_members(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value with all values below the name of a secret masked."""
    if isinstance(value, dict):
        return {
            name: MASKED_VALUE
            if member is not None and names_a_secret(name)
            else _masked_members(member)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [_masked_members(item) for item in value]
    return _masked_parts(value, NO_SECRETS) if isinstance(value, str) else value

"""Masking of the values of a row: by the names of column and table, by shape, beside a name."""

import json

import pytest

from pgbraid.model.snapshot import MASKED_VALUE as MASKED
from pgbraid.sql.secret_values import mask_values, names_a_secret
from pgbraid.sql.secrets import Secrets, secrets_in


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "password_hash",
        "api_key",
        "apiKey",
        "reset_token",
        "client_secret",
        "OTP",
        "pwd",
    ],
)
def test_column_with_name_of_secret_is_masked(name):
    assert names_a_secret(name)
    assert mask_values("public.t", {"id": "1", name: "x7"}) == {"id": "1", name: MASKED}


@pytest.mark.parametrize("name", ["id", "key", "author", "pass_rate", "name", "tokyo"])
def test_column_with_other_name_is_shown(name):
    assert mask_values("public.t", {name: "x7"}) == {name: "x7"}


def test_null_is_shown_in_column_with_name_of_secret():
    assert mask_values("public.t", {"password": None}) == {"password": None}


def test_number_is_masked_only_in_column_with_name_of_secret():
    values = {"name": "smtp_password", "size": "12", "otp": "345678"}
    masked = mask_values("public.t", values, plain=frozenset({"size", "otp"}))
    assert masked == {"name": "smtp_password", "size": "12", "otp": MASKED}


def test_value_beside_name_of_secret_is_masked():
    row = {"key": "smtp_password", "value": "hunter2", "size": "1"}
    masked = mask_values("public.settings", row, plain=frozenset({"size"}))
    assert masked == {"key": "smtp_password", "value": MASKED, "size": "1"}


def test_secret_that_looks_like_name_of_one_is_masked_beside_name():
    row = {"key": "smtp_password", "value": "secret"}
    assert mask_values("public.settings", row)["value"] == MASKED
    assert mask_values("public.settings", {"value": "secret123"})["value"] == MASKED


def test_every_text_of_table_with_name_of_secret_is_masked():
    row = {"id": "1", "name": "stripe", "value": "abc"}
    masked = mask_values("public.api_keys", row, plain=frozenset({"id"}))
    assert masked == {"id": "1", "name": MASKED, "value": MASKED}


@pytest.mark.parametrize(
    "value",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2id$v=19$m=65536",
        "SCRAM-SHA-256$4096:salt$stored:server",
        "md5" + "0" * 32,
        "pbkdf2_sha256$1000$x$y",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
        "sk_live_" + "a1" * 8,
        "ghp_" + "a1" * 8,
        "xoxb-1-2",
        "AKIA" + "A1" * 8,
        "host=db password=hunter2",
        "password: hunter2",
        "<password>hunter2</password>",
        '"password"=>"hunter2"',
        '{"password": "cut at the en',
    ],
)
def test_value_in_shape_of_secret_is_masked_as_whole(value):
    assert mask_values("public.t", {"note": value}) == {"note": MASKED}


def test_password_in_url_is_masked():
    row = {"dsn": "postgresql://bob:hunter2@db/x"}
    assert mask_values("public.t", row) == {"dsn": f"postgresql://{MASKED}@db/x"}


def test_members_of_json_are_masked_at_any_depth():
    value = {"name": "x", "smtp": {"password": "hunter2", "port": 25}, "all": [{"apiKey": ["k"]}]}
    masked = mask_values("public.t", {"config": json.dumps(value)})["config"]
    assert json.loads(masked) == {
        "name": "x",
        "smtp": {"password": MASKED, "port": 25},
        "all": [{"apiKey": MASKED}],
    }


def test_literal_of_migration_that_mentions_secret_is_masked():
    known = secrets_in("SELECT set_up('bob', 'hunter2') /* t */; SELECT f(password => 'certain')")
    assert "certain" in known.certain
    row = {"a": "has certain in it", "b": "hunter2"}
    assert mask_values("public.t", row, known)["a"] == "has ******* in it"
    likely = Secrets(likely=frozenset({"hunter2"}))
    assert mask_values("public.t", row, likely)["b"] == MASKED
    words = Secrets(likely=frozenset({"colour"}))
    assert mask_values("public.t", {"a": "colour"}, words) == {"a": "colour"}


def test_likely_secrets_do_not_mask_row_with_column_for_them():
    """A statement that writes the column mentions it, so all its literals are likely secrets."""
    likely = Secrets(likely=frozenset({"bob-77", "x7"}))
    row = {"name": "bob-77", "password": "x7"}
    assert mask_values("public.users", row, likely) == {"name": "bob-77", "password": MASKED}

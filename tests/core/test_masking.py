import pytest

from pgbraid.core.drift import unified_diff
from pgbraid.core.masking import mask_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CREATE ROLE a PASSWORD 'hunter2' LOGIN", "CREATE ROLE a PASSWORD '*******' LOGIN"),
        ("alter user a encrypted password E'it''s'", "alter user a encrypted password E'*****'"),
        ("OPTIONS (user 'u', password 'x')", "OPTIONS (user 'u', password '*')"),
        ('{"password": "x"}', '{"password": "x"}'),
        ("set_config('my.password', 'x')", "set_config('my.password', '*')"),
        ("SELECT 'x'", "SELECT 'x'"),
    ],
)
def test_password_literals_are_hidden_at_their_length(text, shown):
    assert mask_passwords(text) == shown
    assert len(shown) == len(text)


def test_a_diff_shows_no_password():
    diff = unified_diff("ALTER ROLE a PASSWORD 'old1'", "ALTER ROLE a PASSWORD 'new'", "x")
    assert "old1" not in diff
    assert "'new'" not in diff

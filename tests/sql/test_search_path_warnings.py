import pytest

import pgbraid

LATER = [
    "ALTER DATABASE app SET search_path = s",
    "alter database app\n  set search_path to s, public",
    "ALTER DATABASE app RESET search_path",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = s', 'app'); END $$",
    "ALTER ROLE ALL SET search_path = s",
    "ALTER ROLE CURRENT_USER IN DATABASE app SET search_path = s",
]
NOT_LATER = [
    "SET search_path = s",
    "ALTER ROLE reader SET search_path = s",
    "ALTER DATABASE app SET timezone = 'UTC'",
    "ALTER FUNCTION f() SET search_path = s",
    "SELECT 1 -- ALTER DATABASE app SET search_path = s",
    "/* ALTER DATABASE app SET search_path = s */",
]


def problems(text):
    return pgbraid.load({"1_a.sql": f"SELECT 1;\n{text}\n;"}).check_files().problems


@pytest.mark.parametrize("text", LATER)
def test_changed_default_path_gets_warning(text):
    (problem,) = problems(text)
    assert (problem.code, problem.severity) == ("search_path_default", "warning")
    assert problem.location.line == 2


@pytest.mark.parametrize("text", NOT_LATER)
def test_unchanged_default_path_gets_no_warning(text):
    assert problems(text) == ()

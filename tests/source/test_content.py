from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgbraid.model.errors import ProblemsFound
from pgbraid.source import files
from pgbraid.source.content import LargeFileReader, is_large
from pgbraid.source.loader import load_migrations
from pgbraid.sql.checksum import digest_lf, normalize_newlines


@pytest.fixture
def tiny(monkeypatch):
    """Treat every file as a large one, and read it in tiny parts."""
    monkeypatch.setattr(files, "LARGE_SCRIPT_BYTES", 0)
    monkeypatch.setattr("pgbraid.source.content.LARGE_SCRIPT_BYTES", 0)
    monkeypatch.setattr(files, "_CHUNK_BYTES", 3)


@given(st.text(st.sampled_from("aé→;\r\n-"), min_size=1), st.booleans())
def test_reading_gives_text_and_its_digest_without_line_ends(text, mark):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "LARGE_SCRIPT_BYTES", 0)
        patch.setattr("pgbraid.source.content.LARGE_SCRIPT_BYTES", 0)
        patch.setattr(files, "_CHUNK_BYTES", 3)
        data = ("\ufeff" * mark + text).encode()
        (migration,) = load_migrations({"1_a.sql": data}).migrations
        assert is_large(migration)
        reading = LargeFileReader(migration)
        fragments = list(reading._texts())
    assert "".join(fragments) == text
    assert not any(p.endswith("\r") and q.startswith("\n") for p, q in pairwise(fragments))
    assert reading.digest_lf == digest_lf(normalize_newlines(text))
    assert (reading.seen, migration.size) == (len(data), len(data))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"a\nb\n\0", "nul_byte", 3),
        (b"a\nb\n\xc3(", "invalid_utf8", 3),
        (b"a\n\xc3", "invalid_utf8", 2),
        (b"\xff\xfea\0", "utf16", None),
    ],
)
def test_problems_of_large_file_are_reported(data, code, line):
    (problem,) = load_migrations({"1_a.sql": data}).problems
    assert (problem.code, problem.location.line) == (code, line)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("after", [b"SELECT 2;", b"\xff", b"SELECT 1;SELECT 1;", None])
def test_large_file_that_changed_is_not_read_to_its_end(tmp_path, after):
    file = tmp_path / "1_a.sql"
    file.write_bytes(b"SELECT 1;")
    (migration,) = load_migrations(tmp_path).migrations
    file.unlink() if after is None else file.write_bytes(after)
    with pytest.raises(ProblemsFound) as caught:
        list(LargeFileReader(migration).parts())
    assert [p.code for p in caught.value.problems] == ["changed_during_run"]


def test_short_read_is_not_end_of_file(tmp_path, monkeypatch):
    real = files.os.read
    monkeypatch.setattr(files.os, "read", lambda file, size: real(file, min(size, 7)))
    (tmp_path / "1_a.sql").write_bytes(b"SELECT 1; SELECT 2; SELECT 3;")
    (migration,) = load_migrations(tmp_path).migrations
    assert migration.size == 29

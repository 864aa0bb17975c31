"""pgbraid.sum: its lines, how they are read, and the differences."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pgbraid
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.migration import digest
from pgbraid.source.checksum_file import (
    compare_checksums,
    format_checksums,
    renamed_in_checksums,
    write_checksum_file,
)
from pgbraid.source.filenames import CHECKSUM_FILE
from pgbraid.source.loader import load_migrations

A, B, C = digest(b"a"), digest(b"b"), digest(b"c")
GOOD = f"{A}  1_a.down.sql\n{B}  1_a.up.sql\n{C}  10_c.sql\n"
FILES = {"1_a.down.sql": A, "1_a.up.sql": B, "10_c.sql": C}


def found(text, files=FILES):
    data = text if isinstance(text, bytes) else text.encode()
    listed = [(name, f"m/{name}", checksum) for name, checksum in files.items()]
    return [
        (p.code, str(p.location), p.message)
        for p in compare_checksums(listed, data, f"m/{CHECKSUM_FILE}")
    ]


def codes(text, files=FILES):
    return [code for code, _, _ in found(text, files)]


def sums(source):
    return pgbraid.load(source).check_files(checksum_file=True)


def test_checksum_file_is_sorted_by_bytes_with_one_line_per_file():
    shuffled = [(name, f"m/{name}", FILES[name]) for name in ("10_c.sql", *FILES)][:3]
    assert format_checksums(shuffled[1:] + shuffled[:1]) == "".join(
        f"{FILES[name]}  {name}\n" for name in sorted(FILES, key=str.encode)
    )
    assert format_checksums([]) == ""


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.removesuffix("\n"),
        "\ufeff" + GOOD,
        GOOD.replace("  ", " *"),
        GOOD.replace(A, A.upper()),
        "# reviewed\n\n" + GOOD,
        "".join(reversed(GOOD.splitlines(keepends=True))),
    ],
    ids=["as written", "CRLF", "no last newline", "mark", "binary", "upper", "comment", "order"],
)
def test_lines_that_sha256sum_accepts_are_accepted(text):
    assert found(text) == []


def test_every_difference_is_problem_of_its_own():
    text = f"{A}  1_a.down.sql\n{A}  1_a.up.sql\n{C}  9_gone.sql\n"
    assert found(text) == [
        ("sum_changed", "m/1_a.up.sql", "1_a.up.sql differs from its checksum in pgbraid.sum"),
        ("sum_unlisted", "m/10_c.sql", "10_c.sql is not in pgbraid.sum"),
        (
            "sum_gone",
            "m/pgbraid.sum:3",
            "9_gone.sql is in pgbraid.sum, but is not a migration in this folder",
        ),
    ]


def test_unreadable_file_is_not_reported_as_changed():
    assert found(GOOD, FILES | {"10_c.sql": ""}) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1_a.sql", "the line is not a sha256, two spaces and a file name"),
        (f"{A[:40]}  1_a.sql", "the line is not a sha256, two spaces and a file name"),
        (f"{A} 1_a.sql", "the line is not a sha256, two spaces and a file name"),
        (f"{A}  ", "the line is not a sha256, two spaces and a file name"),
        (f"SHA256 (1_a.sql) = {A}", "the line is not a sha256, two spaces and a file name"),
        (f"\\{A}  1_a\\x.sql", "the line is not a sha256, two spaces and a file name"),
        (f"{A}  old/1_a.sql", "old/1_a.sql is in another folder, which pgbraid does not read"),
        (f"{A}  ./1_a.sql", "./1_a.sql is in another folder, which pgbraid does not read"),
        (f"{C}  10_c.sql", "10_c.sql is listed twice, first in line 3"),
        (f"{A}  10_c.sql", "10_c.sql is listed twice, first in line 3"),
    ],
)
def test_invalid_line_is_named_with_its_number(line, message):
    assert found(f"{GOOD}{line}\n") == [("sum_unreadable", "m/pgbraid.sum:4", message)]


def test_merge_conflict_is_only_problem_reported():
    text = f"{A}  1_a.down.sql\n<<<<<<< HEAD\n{A}  1_a.up.sql\n=======\n{B}  2_b.sql\n>>>>>>> x\n"
    (problem,) = found(text)
    assert problem == (
        "sum_unreadable",
        "m/pgbraid.sum:2",
        "pgbraid.sum has an unresolved merge conflict",
    )


def test_bytes_that_are_no_text():
    assert found(b"\xff") == [("sum_unreadable", "m/pgbraid.sum", "pgbraid.sum is not UTF-8")]


@given(
    st.dictionaries(
        st.text(st.sampled_from("aé\\\n\r *#"), min_size=1).map(lambda name: f"1_{name}.sql"),
        st.just(A),
    )
)
def test_any_file_name_is_read_back(files):
    text = format_checksums((name, name, checksum) for name, checksum in files.items())
    assert found(text, files) == []
    assert found(text.replace("\n", "\r\n"), files) == []
    assert codes("", files) == ["sum_unlisted"] * len(files)


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="there is no sha256sum here")
@pytest.mark.parametrize("name", ["1_a.sql", "2_é b.sql", "3_a\\b.sql", "4_a\nb.sql"])
def test_sha256sum_accepts_checksum_file(folder, name):
    folder.put("0_z.up.sql", "z").put("0_z.down.sql", "y").put(name, "a")
    write_checksum_file(folder.path, load_migrations(folder.path))
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", CHECKSUM_FILE],
        cwd=folder.path,
        check=False,
        capture_output=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    written = subprocess.run(
        ["sha256sum", "--binary", *sorted(p.name for p in folder.path.glob("*.sql"))],
        cwd=folder.path,
        check=True,
        capture_output=True,
    ).stdout
    folder.put(CHECKSUM_FILE, written)
    assert sums(folder.path).ok


def test_two_branches_touch_different_lines():
    base = {"1_a.sql": A, "5_e.sql": B}
    ours, theirs = (base | {name: C} for name in ("2_b.sql", "7_g.sql"))
    lines = [
        set(format_checksums((name, name, s) for name, s in files.items()).splitlines())
        for files in (base, ours, theirs)
    ]
    assert (len(lines[1] - lines[0]), len(lines[2] - lines[0])) == (1, 1)
    assert lines[0] <= lines[1] & lines[2]


def test_checksum_file_is_neither_migration_nor_near_miss(folder):
    folder.write(_1_a="a").put(CHECKSUM_FILE, "x")
    assert load_migrations(folder.path).problems == ()


def test_every_kind_of_source_can_have_checksum_file(tmp_path, folder):
    files = {"1_a.sql": "a", "1_a.down.sql": "b"}
    assert [p.code for p in sums(files).problems] == ["sum_missing"]
    text = f"{B}  1_a.down.sql\n{A}  1_a.sql\n"
    check = sums({**files, CHECKSUM_FILE: text})
    assert (check.ok, check.checksum_file_compared, check.offline) == (True, True, True)
    for name, content in files.items():
        folder.put(name, content)
    folder.put(CHECKSUM_FILE, text)
    assert sums(folder.path).ok
    with pytest.raises(ProblemsFound):
        sums({**files, "1_a.down.sql": "c", CHECKSUM_FILE: text}).raise_for_problems()
    assert not pgbraid.load(files).check_files().checksum_file_compared


def test_bytes_that_were_loaded_are_ones_compared(folder):
    folder.write(_1_a="a")
    write_checksum_file(folder.path, load_migrations(folder.path))
    migrator = folder.load()
    folder.write(_1_a="SELECT 1")
    assert [p.code for p in sums(folder.path).problems] == ["sum_changed"]
    codes = [p.code for p in migrator.check_files(checksum_file=True).problems]
    assert codes == ["changed_during_run"]


@pytest.mark.parametrize("make", ["folder", "link out", "pipe"])
def test_unreadable_checksum_file_is_reported(folder, make, tmp_path):
    folder.write(_1_a="SELECT 1")
    path = folder.path / CHECKSUM_FILE
    if make == "folder":
        path.mkdir()
    elif make == "pipe":
        subprocess.run(["mkfifo", path], check=True)
    else:
        (tmp_path / "x").write_text("")
        path.symlink_to(tmp_path / "x")
    (problem,) = sums(folder.path).problems
    assert (problem.code, str(problem.location)) == ("sum_unreadable", str(path))
    assert problem.message.startswith("pgbraid.sum cannot be read: it is ")


def test_writing_replaces_any_existing_file(folder, tmp_path):
    folder.write(_1_a="a").put("1_a.down.sql", "b").put("README.md", "x")
    (tmp_path / "x").write_text("mine")
    (folder.path / CHECKSUM_FILE).symlink_to(tmp_path / "x")
    written = write_checksum_file(folder.path, load_migrations(folder.path))
    assert (written.file, written.listed) == (f"{folder.path}/{CHECKSUM_FILE}", 2)
    assert (
        folder.path / CHECKSUM_FILE
    ).read_bytes() == f"{B}  1_a.down.sql\n{A}  1_a.sql\n".encode()
    assert (tmp_path / "x").read_text() == "mine"
    assert len(list(folder.path.iterdir())) == 4


def test_nothing_is_written_where_file_cannot_be_run(folder):
    folder.write(_1_a="a", _1_b="b").put(CHECKSUM_FILE, "as it was")
    with pytest.raises(ProblemsFound) as caught:
        write_checksum_file(folder.path, load_migrations(folder.path))
    assert [p.code for p in caught.value.problems] == ["duplicate_version"]
    assert (folder.path / CHECKSUM_FILE).read_text() == "as it was"


def test_failed_write_leaves_old_file_and_nothing_else(folder, monkeypatch):
    folder.write(_1_a="a").put(CHECKSUM_FILE, "as it was")

    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        write_checksum_file(folder.path, load_migrations(folder.path))
    assert (folder.path / CHECKSUM_FILE).read_text() == "as it was"
    assert len(list(folder.path.iterdir())) == 2


def renamed(content, names):
    return renamed_in_checksums(content.encode(), names, "pgbraid.sum").decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{A}  1_a.sql\n{B}  2_b.sql", f"{B}  2_b.sql\n{A}  3_a.sql\n"),
        (f"\ufeff{A}  1_a.sql\r\n{B} *2_b.sql\r\n", f"\ufeff{B} *2_b.sql\r\n{A}  3_a.sql\r\n"),
        (
            f"# one\n{A}  1_a.sql\n# two\n{B}  2_b.sql\n# end\n",
            f"# two\n{B}  2_b.sql\n# one\n{A}  3_a.sql\n# end\n",
        ),
        (f"{A}  1_a.sql\n{B}  2_b\u2028.sql\n", f"{B}  2_b\u2028.sql\n{A}  3_a.sql\n"),
        (f"{B}  2_b.sql", f"{B}  2_b.sql"),
        ("", ""),
    ],
)
def test_renamed_file_keeps_checksum_and_gets_its_place(before, after):
    assert renamed(before, {"1_a.sql": "3_a.sql"}) == after


def test_renamed_file_with_escaped_name_is_read_again():
    before = f"\\{A}  1_a\\nb.sql\n"
    after = renamed(before, {"1_a\nb.sql": "3_a\nb.sql"})
    assert after == f"\\{A}  3_a\\nb.sql\n"

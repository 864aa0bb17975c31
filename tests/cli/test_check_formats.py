"""``check --format``: the reports that CI systems read."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from pgbraid.cli.render.reports.rules import DESCRIPTIONS
from tests.fixtures.git import VIEW, Repository, git
from tests.fixtures.reports import (
    annotations,
    commands,
    places,
    quality,
    sarif,
    validate_sarif,
)

CASES = []


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "project")


@pytest.fixture
def check(program, repository):
    """Run check in the repository, or in a folder of it; without a repository of the machine."""

    def run(*words, cwd="", code=None):
        env = {**program.env, "GIT_CEILING_DIRECTORIES": str(repository.path.parent)}
        return replace(program, cwd=repository.path / cwd, env=env)("check", *words, code=code)

    return run


def case(*expected):
    """Register a branch with the problems that it has: level, code, file and line."""

    def register(arrange):
        CASES.append(pytest.param(arrange, expected, id=arrange.__name__))
        return arrange

    return register


@case()
def nothing(repository):
    pass


@case(("error", "base_edited", "103_v.sql", 3))
def edited(repository):
    repository.write("103_v.sql", VIEW.replace("a FROM", "b FROM"))


@case(("warning", "base_comments_edited", "103_v.sql", 1))
def cosmetic_edit(repository):
    repository.write("103_v.sql", VIEW.replace("the view", "a comment"))


@case(("error", "base_deleted", "103_v.sql", None))
def deleted(repository):
    repository.remove("103_v.sql")


@case(("error", "base_renamed", "103_view.sql", None))
def renamed(repository):
    repository.rename("103_v.sql", "103_view.sql")


@case(("error", "duplicate_version", "104_mine.sql", None))
def duplicate_version(repository):
    repository.write("104_mine.sql", "CREATE TABLE mine ();")
    repository.commit()
    repository.on_main("104_theirs.sql", "CREATE TABLE theirs ();")


@case(("warning", "base_gap", "100_late.sql", None))
def out_of_order(repository):
    repository.write("100_late.sql", "CREATE TABLE late ();")


@case(
    ("error", "transaction_control", "104_w.sql", 2), ("error", "base_deleted", "101_t.sql", None)
)
def two_problems(repository):
    repository.write("104_w.sql", "CREATE TABLE w ();\nCOMMIT;\n")
    repository.remove("101_t.sql")


each_case = pytest.mark.parametrize(("arrange", "expected"), CASES)


@each_case
def test_github_annotates_problems_of_branch(repository, check, arrange, expected):
    arrange(repository)
    ok = not any(level == "error" for level, *_ in expected)
    answer = check("--base", "main", "--format", "github", code=0 if ok else 1)
    assert annotations(answer) == [
        (level, code, f"migrations/{file}", str(line) if line else None)
        for level, code, file, line in expected
    ]
    assert answer.out.splitlines()[-1] == check("--base", "main").out.splitlines()[-1]
    assert answer.err == ""


@each_case
def test_gitlab_reports_problems_of_branch(repository, check, arrange, expected):
    arrange(repository)
    entries = quality(check("--base", "main", "--format", "gitlab"))
    severities = {"error": "major", "warning": "minor"}
    assert [
        (e["severity"], e["check_name"], e["location"]["path"], e["location"]["lines"]["begin"])
        for e in entries
    ] == [
        (severities[level], code, f"migrations/{file}", line or 1)
        for level, code, file, line in expected
    ]


@each_case
def test_sarif_reports_problems_of_branch(repository, check, arrange, expected):
    arrange(repository)
    run = sarif(check("--base", "main", "--format", "sarif"))
    assert places(run) == [
        (level, code, f"migrations/{file}", line) for level, code, file, line in expected
    ]


def test_sarif_is_valid(repository, check):
    validate_sarif(check("--base", "main", "--format", "sarif", code=0).out)
    two_problems(repository)
    cosmetic_edit(repository)
    for number, name in enumerate(HOSTILE):
        repository.write(name.replace("105", str(200 + number)), "COMMIT;")
    validate_sarif(check("--base", "main", "--format", "sarif", code=1).out)
    words = ("--offline", "--dir", str(repository.folder), "--format", "sarif")
    validate_sarif(check(*words, cwd="..", code=1).out)


def test_message_has_detail_and_hint(repository, check):
    edited(repository)
    (command,) = commands(check("--base", "main", "--format", "github"))
    message, detail, hint = command.message.split("\n")
    assert message == "103_v is in main, and this branch changes it"
    assert detail == "A database that has applied it refuses the new text."
    assert hint.startswith("Restore it (`git checkout main -- migrations/103_v.sql`)")
    (entry,) = quality(check("--base", "main", "--format", "gitlab"))
    assert entry["description"] == f"{message}. {detail} {hint}"
    (result,) = sarif(check("--base", "main", "--format", "sarif"))["results"]
    assert result["message"]["text"] == f"{message}\n{detail}\n{hint}"


def test_column_of_problem_is_in_report(repository, check):
    repository.write("104_w.sql", "SELECT 1; COMMIT;\n")
    (command,) = commands(check("--offline", "--format", "github", code=1))
    assert (command.properties["line"], command.properties["col"]) == ("1", "11")
    (result,) = sarif(check("--offline", "--format", "sarif"))["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 1, "startColumn": 11}


def test_paths_start_at_root_of_repository(repository, check):
    edited(repository)
    expected = [("error", "base_edited", "migrations/103_v.sql", "3")]
    outside = ("--dir", str(repository.folder), "--base", "main", "--format", "github")
    (repository.path / "sub").mkdir()
    for cwd, folder in (("migrations", "."), ("sub", "../migrations"), ("", "./migrations/")):
        words = ("--dir", folder, "--base", "main", "--format", "github")
        assert annotations(check(*words, cwd=cwd)) == expected
    assert annotations(check(*outside, cwd="..")) == expected


def test_paths_of_worktree_start_at_its_root(repository, check):
    git(repository.path, "worktree", "add", "-q", "../second", "-b", "second")
    (repository.path.parent / "second" / "migrations" / "102_u.sql").unlink()
    answer = check("--base", "main", "--format", "github", cwd="../second/migrations/..")
    assert annotations(answer) == [("error", "base_deleted", "migrations/102_u.sql", None)]


def test_path_of_file_deleted_from_moved_folder_starts_at_root(repository, check):
    git(repository.path, "mv", "migrations", "moved")
    (repository.path / "moved" / "101_t.sql").unlink()
    words = ("--dir", ".", "--base", "main")
    answer = check(*words, "--format", "github", cwd="moved")
    assert annotations(answer) == [("error", "base_deleted", "migrations/101_t.sql", None)]
    assert "`git checkout main -- ../migrations/101_t.sql`" in check(*words, cwd="moved").err


def test_paths_without_repository_stay_as_they_are(repository, check, tmp_path):
    folder = tmp_path / "plain" / "sql"
    folder.mkdir(parents=True)
    (folder / "1_a.sql").write_text("COMMIT;")
    for given in ("sql", str(folder)):
        words = ("--offline", "--dir", given, "--format")
        answer = check(*words, "github", cwd="../plain")
        assert annotations(answer) == [("error", "transaction_control", f"{given}/1_a.sql", "1")]
        (entry,) = quality(check(*words, "gitlab", cwd="../plain"))
        assert entry["location"]["path"] == f"{given}/1_a.sql"
        ((_, _, uri, _),) = places(sarif(check(*words, "sarif", cwd="../plain")))
        assert uri == (f"file://{folder}/1_a.sql" if given != "sql" else "sql/1_a.sql")


def test_links_in_path_of_folder_are_followed(repository, check):
    edited(repository)
    (repository.path / "link").symlink_to("migrations")
    answer = check("--dir", "link", "--offline", "--format", "github")
    assert annotations(answer) == []
    repository.write("104_w.sql", "COMMIT;")
    answer = check("--dir", "link", "--offline", "--format", "github")
    assert [file for _, _, file, _ in annotations(answer)] == ["migrations/104_w.sql"]


HOSTILE = [
    "105_100%25%0Aoff.sql",
    "105_a,line=9::x.sql",
    "105_line\n::add-mask::end.sql",
    "105_line\r\n::error::x.sql",
    "105_##[add-mask]x.sql",
    "105_esc\x1b[31mred\x1b[0m.sql",
    '105_quote"\\.sql',
    "105_[click](http:x) {0}.sql",
    "105_\u202egnp.sql",
    "105_\u2028::error::x.sql",
    "105_space and #?.sql",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_name_breaks_no_format(repository, check, name):
    repository.write(name, f"-- {name!r}\nSELECT 1;\nCOMMIT;\n")
    answer = check("--base", "main", "--format", "github", code=1)
    (command,) = commands(answer)
    assert (command.name, command.properties["title"]) == ("error", "transaction_control")
    assert command.properties["line"] == "3"
    if "\x1b" not in name and name.isascii():
        assert command.properties["file"] == f"migrations/{name}"
    (entry,) = quality(check("--base", "main", "--format", "gitlab", code=1))
    assert entry["location"]["path"] == f"migrations/{name}"
    run = sarif(check("--base", "main", "--format", "sarif", code=1))
    ((_, _, uri, line),) = places(run)
    assert (unquote_to_bytes(uri).decode(), line) == (f"migrations/{name}", 3)
    assert re.fullmatch(r"[\w/.~%-]+", uri, re.ASCII)
    assert "](" not in run["results"][0]["message"]["text"]
    for form in ("text", "json", "github", "gitlab", "sarif"):
        answer = check("--base", "main", "--format", form)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e\u2028]", answer.out + answer.err)


def test_file_name_that_is_not_utf_8_breaks_no_format(repository, check):
    name = b"105_\xff.sql"
    Path(os.fsdecode(os.fsencode(repository.folder) + b"/" + name)).write_text("SELECT 1;")
    ((_, _, file, _),) = annotations(check("--offline", "--format", "github", code=1))
    assert file == "migrations/105_\\xdcff.sql"
    assert quality(check("--offline", "--format", "gitlab", code=1))
    ((_, _, uri, _),) = places(sarif(check("--offline", "--format", "sarif", code=1)))
    assert unquote_to_bytes(uri) == b"migrations/" + name


@pytest.mark.parametrize("form", ["sarif", "gitlab"])
def test_report_of_hostile_names_is_ascii(repository, check, form):
    for number, name in enumerate(HOSTILE):
        repository.write(name.replace("105", str(200 + number)), "COMMIT;")
    answer = check("--offline", "--format", form, code=1)
    assert answer.out.isascii()
    assert len(json.loads(answer.out)) if form == "gitlab" else sarif(answer)["results"]


def test_log_of_github_has_no_commands_of_messages(repository, check):
    answer = check("--base", "##[add-mask]x\n::add-mask::y", "--format", "github", code=2)
    (command,) = commands(answer)
    assert (command.name, command.properties) == ("error", {"title": "ConfigError"})
    assert "does not exist in this repository" in answer.err


def test_fingerprint_stays_if_lines_move(repository, check):
    repository.write("104_w.sql", "SELECT 1;\nCOMMIT;\nROLLBACK;\n")
    before = quality(check("--base", "main", "--format", "gitlab"))
    repository.write("104_w.sql", "-- more\n\nSELECT 1;\n\nCOMMIT;\nROLLBACK;\n")
    repository.commit()
    repository.on_main("104_x.sql", "SELECT 2;")
    after = quality(check("--base", "main", "--format", "gitlab"))
    prints = [{e["fingerprint"] for e in entries} for entries in (before, after)]
    assert len(prints[0]) == 2
    assert prints[0] < prints[1]
    run = sarif(check("--base", "main", "--format", "sarif"))
    assert {r["partialFingerprints"]["pgbraidProblem/v1"] for r in run["results"]} == prints[1]


def without_file(cli, folder):
    """Apply a migration and remove its file: a problem without a file."""
    folder.write(_1_a="SELECT 1", _2_b="SELECT 2")
    cli("up", code=0)
    folder.remove("2_b.sql")


def test_problem_without_file_has_no_place(cli, folder):
    without_file(cli, folder)
    answer = cli("check", "--format", "github", code=1)
    assert annotations(answer) == [("error", "missing_file", None, None)]
    assert answer.out.splitlines()[-1] == "no: 1 problem."
    (entry,) = quality(cli("check", "--format", "gitlab", code=1))
    assert entry["location"] == {"path": "migrations", "lines": {"begin": 1}}
    answer = cli("check", "--format", "sarif", code=1)
    run = sarif(answer)
    assert run["results"] == []
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert (note["descriptor"]["id"], note["level"]) == ("missing_file", "error")
    assert "locations" not in note


def test_sarif_of_problem_without_file_is_valid(cli, folder):
    without_file(cli, folder)
    validate_sarif(cli("check", "--format", "sarif", code=1).out)


def test_check_with_database_reports_each_format(cli, folder):
    folder.write(_1_a="SELECT 1")
    assert annotations(cli("check", "--format", "github", code=1)) == [
        ("error", "pending", None, None)
    ]
    cli("up", code=0)
    assert cli("check", "--format", "github", code=0).out == cli("check", code=0).out
    assert cli("check", "--format", "gitlab", code=0).out == "[]\n"
    assert sarif(cli("check", "--format", "sarif", code=0))["results"] == []


def test_log_of_job_has_problems_beside_document(repository, check):
    edited(repository)
    for form in ("gitlab", "sarif"):
        answer = check("--base", "main", "--format", form, code=1)
        assert "migrations/103_v.sql:3: ERROR:  103_v is in main" in answer.err
        assert answer.err.endswith("no: 1 problem.\n")


def test_format_json_is_document_of_json_option(repository, check):
    edited(repository)
    given = check("--base", "main", "--json", code=1).out
    assert check("--base", "main", "--format", "json", code=1).out == given
    assert check("--base", "main", "--format=json", "--json", code=1).out == given
    assert check("--base", "none", "--format", "json", code=2).json["error"]
    text = check("--base", "main", "--format", "text", code=1)
    assert text == check("--base", "main", code=1)


@pytest.mark.parametrize("form", ["text", "github", "gitlab", "sarif"])
def test_two_formats_are_wrong_usage(check, form):
    answer = check("--offline", "--json", "--format", form, code=2)
    assert (
        answer.json["error"]["message"] == f"--json and --format {form} are two different formats"
    )


@pytest.mark.parametrize("form", ["text", "gitlab", "sarif"])
@pytest.mark.parametrize("words", [("--base", "none"), ("--offline", "--dir", "none"), ("--none",)])
def test_error_before_check_leaves_standard_output_empty(check, form, words):
    answer = check(*words, "--format", form, code=2)
    assert answer.out == ""
    assert answer.err.startswith("ERROR:  ")


@pytest.mark.parametrize("words", [("--base", "none"), ("--offline", "--dir", "none"), ("--none",)])
def test_error_before_check_is_annotated_by_github(check, words):
    answer = check(*words, "--format=github", code=2)
    assert annotations(answer) == [("error", "ConfigError", None, None)]
    assert answer.err == check(*words, code=2).err


def test_unknown_format_is_wrong_usage(check):
    assert "invalid choice: 'xml'" in check("--offline", "--format", "xml", code=2).err


def test_option_q_annotates_only_errors(repository, check):
    two_problems(repository)
    cosmetic_edit(repository)
    answer = check("--base", "main", "--format", "github", "-q", code=1)
    assert {level for level, *_ in annotations(answer)} == {"error"}
    assert len(answer.out.splitlines()) == 2


def test_warnings_of_command_line_are_annotated(cli, folder, database):
    folder.write(_1_a="SELECT 1")
    cli("up", code=0)
    url = "postgresql://u:secret@localhost:1/x"
    answer = cli("check", "--database", url, "--format", "github", code=4)
    assert ("warning", "password_shown", None, None) in annotations(answer)


def test_descriptions_are_those_of_document():
    text = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    codes = text[text.index("## Problem codes") :]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| [^|]* \|$", codes, re.MULTILINE)
    plain = {code: re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", row) for code, row in rows}
    assert plain == DESCRIPTIONS

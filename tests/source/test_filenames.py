import pytest

from pgbraid.model.migration import AppliedMigration, Migration
from pgbraid.source.filenames import (
    FileName,
    NearMiss,
    name_style,
    parse_file_name,
    parse_version,
    recorded_name,
    same_migration_name,
    slug,
)


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("103_add_email.sql", ("103", "add_email", "up")),
        ("103_add_email.up.sql", ("103", "add_email", "up")),
        ("103_add_email.down.sql", ("103", "add_email", "down")),
        ("001_a.sql", ("001", "a", "up")),
        ("0_zero.sql", ("0", "zero", "up")),
        ("20240826120919_init-schema.up.sql", ("20240826120919", "init-schema", "up")),
        ("1_ünï côde.sql", ("1", "ünï côde", "up")),
        ("1_a.b.sql", ("1", "a.b", "up")),
        ("1_down.sql", ("1", "down", "up")),
    ],
)
def test_migration_is_digits_underscore_name(file, parts):
    found = parse_file_name(file)
    assert isinstance(found, FileName)
    assert (found.digits, found.name, found.kind) == parts


@pytest.mark.parametrize(
    ("file", "suggestion"),
    [
        ("V014__x.sql", "014_x.sql"),
        ("v1.sql", None),
        ("013-x.sql", "013_x.sql"),
        ("013x.sql", "013_x.sql"),
        ("13 x.sql", "13_x.sql"),
        ("014_x.SQL", "014_x.sql"),
        ("014_x.DOWN.sql", "014_x.down.sql"),
        ("014_x.Up.Sql", "014_x.up.sql"),
        ("014_.sql", None),
        ("014.sql", None),
        ("٣_x.sql", "3_x.sql"),
        ("R__view.sql", None),
        (" 016_lead.sql", "016_lead.sql"),
        ("U7__back.sql", "7_back.sql"),
        ("add_users.up.sql", None),
        ("a14_x.up.sql", None),
        ("-1_n.up.sql", None),
        ("-1_n.sql", None),
        ("+5_p.up.sql", "5_p.up.sql"),
        ("+5_p.sql", "5_p.sql"),
        ("²_s.up.sql", None),
        ("X.UP.SQL", None),
        ("8_y.up.sql.txt", "8_y.up.sql"),
        ("8_y.sql.txt", "8_y.sql"),
        ("y.up.sql.txt", None),
    ],
)
def test_near_miss_is_named_with_suggestion(file, suggestion):
    found = parse_file_name(file)
    assert isinstance(found, NearMiss)
    assert found.suggestion == suggestion


@pytest.mark.parametrize(
    "file",
    [
        *("schema.sql", "README.md", "103_x.sql~", "103_x.sql.bak", ".103_x.sql", "x.down.sql"),
        *(".x.up.sql", "._1_a.up.sql", "x.up.sql.bak", "schema.sql.txt", "notes.txt"),
    ],
)
def test_other_files_are_ignored(file):
    assert parse_file_name(file) is None


@pytest.mark.parametrize(
    ("digits", "version"),
    [
        ("0", 0),
        ("000", 0),
        ("007", 7),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("9" * 5000, None),
        ("-1", None),
        ("٣", None),
        ("", None),
    ],
)
def test_version_is_ascii_digits_within_bigint(digits, version):
    assert parse_version(digits) == version


@pytest.mark.parametrize(
    "recorded",
    ["add", "103_add", "0103_add", "103_add.sql", "103_add.up.sql", "add.sql", "add.up.sql"],
)
def test_every_spelling_of_name_agrees(recorded):
    assert same_migration_name(recorded, 103, "add")


@pytest.mark.parametrize("recorded", ["Add", "adds", "104_add", "103_add.down.sql", "103_"])
def test_another_name_does_not_agree(recorded):
    assert not same_migration_name(recorded, 103, "add")


def test_name_that_begins_like_version_agrees_with_itself():
    assert same_migration_name("5_things", 103, "5_things")


def migration(version=103, name="add", file="103_add.up.sql"):
    return Migration(version, name, file, "", 0, file, str(version))


@pytest.mark.parametrize(
    ("recorded", "style"),
    [("add", "name"), ("103_add", "label"), ("103_add.up.sql", "file"), ("other", "name")],
)
def test_newest_row_of_ours_shows_how_names_are_spelled(recorded, style):
    rows = [AppliedMigration(102, "102_old.sql", None), AppliedMigration(103, recorded, None)]
    assert name_style(rows, [migration()]) == style


def test_rows_without_file_say_nothing_of_spelling():
    assert name_style([AppliedMigration(104, "104_x.sql", None)], [migration()]) == "name"


def test_name_is_recorded_as_ledger_spells_names():
    file = migration()
    spelled = [recorded_name(file, style) for style in ("name", "label", "number", "file")]
    assert spelled == ["add", "103_add", "103_add", "103_add.up.sql"]


def test_unpadded_names_of_padded_files_are_kept_unpadded():
    padded = Migration(101, "a", "0101_a.sql", "", 0, "0101_a.sql", "0101")
    assert name_style([AppliedMigration(101, "101_a", None)], [padded]) == "number"
    assert recorded_name(padded, "number") == "101_a"


def test_recorded_name_of_many_digits_is_compared_quickly():
    assert not same_migration_name("9" * 5000 + "_add", 103, "add")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Add users", "add_users"),
        ("  add  e-mail!  ", "add_e-mail"),
        ("Größe ändern", "größe_ändern"),
        ("a/b\\c", "a_b_c"),
        ("../x", "x"),
        ("!!!", ""),
        ("foo.sql", "foo"),
        ("foo.up.sql", "foo"),
    ],
)
def test_title_becomes_file_name(title, name):
    assert slug(title) == name


@pytest.mark.parametrize("title", ["foo.down", "foo.up", "foo.down.sql", "Foo.up.sql"])
def test_title_cannot_make_down_file(title):
    assert slug(title) == "foo"

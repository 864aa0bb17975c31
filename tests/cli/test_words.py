"""A message names a parameter as Python does, and on the command line as an option."""

import re

import pytest

import pgbraid
from pgbraid.cli.render.psql import spelled


def test_the_command_line_spells_parameters_as_options():
    said = "Wait, or give more time with `lock_wait`; `pgbraid up` and `adopt = false` are words."
    assert spelled(said) == (
        "Wait, or give more time with --lock-wait; `pgbraid up` and --no-adopt are words."
    )


@pytest.mark.parametrize("parameter", ["to", "not_applied"])
def test_a_version_that_is_nowhere_is_said_in_the_callers_words(cli, folder, database, parameter):
    folder.write(_1_a="CREATE TABLE a ()")
    wrong = 9 if parameter == "to" else [9]
    with pytest.raises(pgbraid.ConfigError, match=f"^`{parameter}` 9: no migration has that"):
        folder.load().up(database.conninfo, **{parameter: wrong})
    option = f"--{parameter.replace('_', '-')}"
    assert cli("up", option, 9, code=2).err.startswith(f"ERROR:  {option} 9: no migration has that")
    assert cli("up", option, 9, "--json").json["error"]["message"].startswith(f"{option} 9: ")


def test_who_waits_in_vain_for_another_run_hears_his_own_words(cli, folder, database, holder):
    folder.write(_1_a="CREATE TABLE a ()")
    with pytest.raises(pgbraid.LockTimeout) as caught:
        folder.load(lock_wait=0.1).up(database.conninfo)
    assert "`lock_wait`" in caught.value.hint
    assert "--" not in re.sub("`pgbraid [^`]*`", "", caught.value.hint)
    assert "--lock-wait" in cli("up", "--lock-wait", "100ms", code=4).err


def test_a_folder_that_is_not_there_is_named_in_the_callers_words(program):
    with pytest.raises(pgbraid.ConfigError) as caught:
        pgbraid.load("nowhere")
    assert "Name the folder with `dir`" in caught.value.hint
    answer = program("check", "--offline", "--dir", "nowhere", code=2)
    assert "HINT:  Name the folder with --dir;" in answer.err

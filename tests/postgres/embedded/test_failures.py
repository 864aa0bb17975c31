"""Errors of embedded servers that cannot be created or do not start."""

import os

import pytest

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings.environment import cache_dir


def test_uncopyable_data_is_reported_briefly(programs, tmp_path, monkeypatch):
    """A full disk has cp complain of each of a thousand files."""
    complain = tmp_path / "bin" / "cp"
    complain.parent.mkdir()
    complain.write_text(
        "#!/bin/sh\nfor i in $(seq 400); do echo No space left on device >&2; done\nexit 1\n"
    )
    complain.chmod(0o755)
    monkeypatch.setenv("PATH", str(complain.parent), prepend=os.pathsep)
    with (
        pytest.raises(EmbeddedError, match="cannot copy a data directory") as caught,
        embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()),
    ):
        pass
    assert "No space left on device" in caught.value.detail
    assert len(str(caught.value.detail).splitlines()) <= 6
    assert "pip install" not in caught.value.hint
    assert not (tmp_path / "db" / "data").exists()


def test_fatal_error_of_server_is_shown_with_any_text(programs, tmp_path):
    """Of a full disk, and of data that are not whole, the last lines are about the shutdown."""
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()):
        pass
    for segment in (tmp_path / "db" / "data" / "pg_wal").glob("0*"):
        segment.unlink()
    with (
        pytest.raises(EmbeddedError, match="did not start") as caught,
        embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()),
    ):
        pass
    assert "PANIC:" in caught.value.detail or "FATAL:" in caught.value.detail

"""Real folders of public projects, squashed at random cuts, if the shared corpus is available."""

import random
from dataclasses import replace

import pytest

from fuzz.public_folders import FOLDERS, read_folder
from pgbraid.model.errors import ServerError
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import RunOptions, ScratchServerConfig
from pgbraid.prove.comparison.schema_diff import diff_snapshots
from pgbraid.prove.comparison.without_effect import split_by_effect
from pgbraid.prove.squash import SquashRequest, squash_migrations
from pgbraid.settings.environment import cache_dir

pytestmark = pytest.mark.corpus
CUTS = 2


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def real(request, corpus, folder):
    """A real folder, renumbered from 1."""
    for name, text in read_folder(request.param).items():
        # This migration of hatchet and those above it need rows that its program writes.
        if request.param.name != "hatchet" or int(name[:4]) < 182:
            folder.put(name, text)
    return folder


@pytest.fixture
def place(programs):
    return ScratchServerConfig(None, programs, cache_dir())


def versions_of(folder):
    return [migration.version for migration in folder.load(settings=False).migrations.migrations]


def squash(folder, place, to, *, dry_run):
    migrations = folder.load(settings=False).migrations
    options, request = RunOptions(scratch=place), SquashRequest(to, dry_run=dry_run)
    try:
        return squash_migrations(migrations, LedgerTable(), options, request)
    except ServerError as error:
        if "is not available" in error.message:
            pytest.skip(error.message)
        raise


@pytest.mark.parametrize("seed", range(CUTS))
def test_random_cut_gives_same_schema_and_rows(real, place, seed):
    to = random.Random(seed).choice(versions_of(real)[1:])
    result = squash(real, place, to, dry_run=True)
    assert (result.differences, result.failure, result.lost) == ((), None, ())


def test_squashed_folder_builds_same_schema_as_whole_folder(real, place):
    versions = versions_of(real)
    to = versions[len(versions) // 3]
    try:
        before = replace(real.load(settings=False), scratch=place).snapshot()
    except ServerError as error:
        if "is not available" in error.message:
            pytest.skip(error.message)
        raise
    assert squash(real, place, to, dry_run=False).ok
    assert versions_of(real) == [version for version in versions if version >= to]
    after = replace(real.load(settings=False), scratch=place).snapshot()
    assert split_by_effect(diff_snapshots(before, after))[0] == ()

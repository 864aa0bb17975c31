"""Other tools written in Python, each in a virtual environment of its own, with psycopg 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.install import python
from bench.model import Command, Tool
from bench.peers.layout import files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.model import Place
    from bench.workload import File

__all__ = ["TOOLS", "django", "program"]

_PSYCOPG = "psycopg[binary]==3.3.9"
_ALEMBIC_INI = "[alembic]\nscript_location = %(here)s\npath_separator = os\n"
_ALEMBIC_ENV = """\
import os

from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""
_ALEMBIC_REVISION = """\
from pathlib import Path

from alembic import op

revision = {name!r}
down_revision = {before!r}


def upgrade():
    op.execute(Path(__file__).with_suffix(".sql").read_text())
"""
_DJANGO_SETTINGS = """\
import os

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["BENCH_HOST"],
        "PORT": os.environ["BENCH_PORT"],
        "NAME": os.environ["BENCH_DATABASE"],
        "USER": "postgres",
        "OPTIONS": {"sslmode": "disable"},
    }
}
INSTALLED_APPS = ["shop"]
SECRET_KEY = "bench"
"""
_DJANGO_MIGRATION = """\
from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = {dependencies!r}
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text())]
"""


def program(place: Place, name: str) -> str:
    """Return a program of the tool's environment."""
    return str(place.home / "bin" / name)


def _lay_out_alembic(folder: Path, migrations: Sequence[File]) -> None:
    versions = folder / "versions"
    files()(versions, migrations)
    (folder / "alembic.ini").write_text(_ALEMBIC_INI)
    (folder / "env.py").write_text(_ALEMBIC_ENV)
    before = None
    for file in migrations:
        name = f"{file.version:06d}"
        text = _ALEMBIC_REVISION.format(name=name, before=before)
        (versions / file.file_name(".py")).write_text(text)
        before = name


def _alembic(place: Place) -> Command:
    """Run each migration in a transaction of its own (env.py says so)."""
    env = {"DATABASE_URL": place.url_as("postgresql+psycopg")}
    return Command((program(place, "alembic"), "upgrade", "head"), env, place.folder)


def _alembic_version(place: Place) -> Command:
    return Command((program(place, "alembic"), "--version"))


def _yoyo(place: Place) -> Command:
    words = (program(place, "yoyo"), "apply", "--batch", "--no-config-file")
    target = ("--database", place.url_as("postgresql+psycopg"))
    return Command((*words, *target, str(place.folder)))


def _lay_out_django(folder: Path, migrations: Sequence[File]) -> None:
    package = folder / "shop" / "migrations"
    files()(package, migrations)
    for path in (package, package.parent):
        (path / "__init__.py").touch()
    (folder / "bench_settings.py").write_text(_DJANGO_SETTINGS)
    dependencies: list[tuple[str, str]] = []
    for file in migrations:
        text = _DJANGO_MIGRATION.format(dependencies=dependencies)
        (package / file.file_name(".py")).write_text(text)
        dependencies = [("shop", file.file_name(""))]


def django(place: Place, *words: str) -> Command:
    """Return a call of Django's management commands."""
    env = {
        "DJANGO_SETTINGS_MODULE": "bench_settings",
        "BENCH_HOST": place.host,
        "BENCH_PORT": str(place.port),
        "BENCH_DATABASE": place.database,
    }
    call = (program(place, "python"), "-m", "django", *words)
    return Command((*call, "--pythonpath", str(place.folder)), env)


def _django(place: Place) -> Command:
    return django(place, "migrate", "--no-input")


def _django_version(place: Place) -> Command:
    return Command((program(place, "python"), "-m", "django", "--version"))


def _dblift(place: Place) -> Command:
    words = (program(place, "dblift"), "--no-progress", "--scripts", str(place.folder))
    target = ("--db-url", place.url_as("postgresql+psycopg"), "--db-password", "any")
    return Command((*words, *target, "migrate"))


def _dblift_version(place: Place) -> Command:
    return Command((program(place, "dblift"), "--version"))


TOOLS = (
    Tool(
        "alembic",
        "1.20.1",
        python("alembic==1.20.1", "sqlalchemy==2.1.9", _PSYCOPG),
        _lay_out_alembic,
        _alembic,
        _alembic_version,
        chained=True,
    ),
    Tool(
        "yoyo",
        "9.0.0",
        python("yoyo-migrations==9.0.0", "setuptools", _PSYCOPG),
        files(),
        _yoyo,
    ),
    Tool(
        "django",
        "5.2.19",
        python("django==5.2.19", _PSYCOPG),
        _lay_out_django,
        _django,
        _django_version,
        chained=True,
    ),
    Tool(
        "dblift",
        "5.1.0",
        python("dblift[analysis]==5.1.0", _PSYCOPG),
        files("V{version}__{name}.sql"),
        _dblift,
        _dblift_version,
    ),
)

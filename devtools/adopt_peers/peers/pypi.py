"""Tools written in Python."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.install import python
from bench.model import Command, Tool
from bench.peers.pypi import django, program
from devtools.adopt_peers.model import Case, Peer, applied, usual_cases, without
from devtools.adopt_peers.peers.installed import bench_tool, with_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model import Place
    from devtools.adopt_peers.stage import Stage

__all__ = ["PEERS"]

_PHONE = "ALTER TABLE users ADD COLUMN phone text;\n"
_NAMES = ("create_users", "create_orders", "order_total", "index_orders", "add_email")
_ALEMBIC_SIXTH = f"""\
from alembic import op

revision = "70bc6fd38e97"
down_revision = "6fab5ec27d86"


def upgrade():
    op.execute("{_PHONE.strip()}")
"""
_THIRD, _FOURTH, _FIFTH, _MERGE = "3c7e2b9f4a53", "4d8f3ca05b64", "5e9a4db16c75", "6fab5ec27d86"
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
INSTALLED_APPS = ["shop", "django.contrib.contenttypes"]
SECRET_KEY = "bench"
"""
_DJANGO_SIXTH = f"""\
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0005_add_email")]
    operations = [migrations.RunSQL("{_PHONE.strip()}")]
"""


def _alembic(*targets: str) -> Callable[[Stage], None]:
    """Return a play that calls Alembic once for each target: `upgrade` or `downgrade` to it."""

    def play(stage: Stage) -> None:
        stage.lay_out()
        for target in targets:
            usual = stage.peer.command(stage.place)
            verb = "downgrade" if target.startswith("-") else "upgrade"
            target_words = (verb, target.removeprefix("-"))
            stage.call(replace(usual, words=(usual.words[0], *target_words)))

    return play


def _prepare_django(place: Place) -> None:
    (place.folder / "bench_settings.py").write_text(_DJANGO_SETTINGS)


def _django_shop(place: Place) -> Command:
    return django(place, "migrate", "--no-input", "shop")


def _django(*words: str) -> Callable[[Stage], None]:
    """Return a play that applies all files of the app and calls Django once more."""

    def play(stage: Stage) -> None:
        stage.apply()
        stage.call(django(stage.place, "migrate", "--no-input", *words))

    return play


def _django_faked(stage: Stage) -> None:
    stage.apply(without=("*0005*",))
    stage.lay_out()
    stage.call(django(stage.place, "migrate", "--no-input", "--fake", "shop"))


def _django_big_ids(stage: Stage) -> None:
    """Use the setting that `startproject` writes: the tracker's id is a bigint."""
    stage.lay_out()
    with (stage.folder / "bench_settings.py").open("a") as settings:
        settings.write('DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"\n')
    stage.call(stage.peer.command(stage.place))


def _yoyo_rolled_back(stage: Stage) -> None:
    stage.apply()
    usual = stage.peer.command(stage.place)
    verb = tuple("rollback" if word == "apply" else word for word in usual.words)
    stage.call(replace(usual, words=(*verb, "--revision", "0005.add-email")))


def _yoyo_marked(stage: Stage) -> None:
    """Let `yoyo mark` record all without running them."""
    stage.lay_out()
    usual = stage.peer.command(stage.place)
    stage.call(
        replace(usual, words=tuple("mark" if word == "apply" else word for word in usual.words))
    )


def _prepare_yandex(place: Place) -> None:
    (place.folder / "migrations.yml").write_text("{}\n")


def _yandex(place: Place, *words: str) -> Command:
    target = f"host={place.host} port={place.port} dbname={place.database} user=postgres"
    call = (program(place, "pgmigrate"), "-c", target, "-d", str(place.folder), "--force_mixed")
    return Command((*call, *(words or ("-t", "latest", "migrate"))), folder=place.folder)


def _yandex_baseline(stage: Stage) -> None:
    """Mark the second as applied by hand, then apply the rest."""
    stage.lay_out()
    for path in sorted(stage.files.glob("V000[12]*")):
        stage.sql(path.read_text())
    stage.call(_yandex(stage.place, "-b", "2", "baseline"))
    stage.apply()


def _dblift_failed(stage: Stage) -> None:
    """Let the fifth fail: its column exists."""
    stage.apply(without=("V5*",))
    stage.sql("ALTER TABLE users ADD COLUMN email text")
    stage.apply(fails=True)


def _dblift_baseline(stage: Stage) -> None:
    stage.lay_out()
    for path in sorted(stage.files.glob("V[12]__*")):
        stage.sql(path.read_text())
    stage.call(with_options(stage, "baseline", "--baseline-version", "2", drop=1))
    stage.apply()


_DJANGO_KEYS = tuple(f"shop.{n:04d}_{name}" for n, name in enumerate(_NAMES, 1))
_YOYO_KEYS = tuple(f"{n:04d}.{name.replace('_', '-')}" for n, name in enumerate(_NAMES, 1))
PEERS = (
    Peer(
        name="alembic",
        tool=bench_tool("alembic"),
        trackers=("alembic_version",),
        sixth=("versions/70bc6fd38e97_add_phone.py", _ALEMBIC_SIXTH),
        cases=(
            Case("complete", applied(_MERGE), without()),
            Case("behind", applied(_FOURTH), _alembic(_FOURTH)),
            Case("two_heads", applied(_FOURTH, _FIFTH), _alembic(_FOURTH, _FIFTH)),
            Case("third", applied(_THIRD), _alembic(_THIRD)),
            Case("emptied", applied(), _alembic(_THIRD, "-base")),
        ),
    ),
    Peer(
        name="django",
        tool=bench_tool("django"),
        trackers=("django_migrations",),
        prepare=_prepare_django,
        apply=_django_shop,
        whole=lambda place: django(place, "migrate", "--no-input"),
        sixth=("shop/migrations/0006_add_phone.py", _DJANGO_SIXTH),
        cases=(
            *usual_cases(_DJANGO_KEYS, gap=False),
            Case("big_ids", applied(*_DJANGO_KEYS), _django_big_ids),
            Case("faked", applied(*_DJANGO_KEYS), _django_faked),
            Case("reverted", applied(*_DJANGO_KEYS[:4]), _django("shop", "0004")),
            Case(
                "other_apps",
                applied(
                    *_DJANGO_KEYS,
                    "contenttypes.0001_initial",
                    "contenttypes.0002_remove_content_type_name",
                ),
                _django(),
            ),
        ),
    ),
    Peer(
        name="yoyo",
        tool=bench_tool("yoyo"),
        trackers=("_yoyo_migration", "_yoyo_log", "_yoyo_version", "yoyo_lock"),
        sixth=("0006.add-phone.sql", f"-- depends: 0005.add-email\n\n{_PHONE}"),
        cases=(
            *usual_cases(_YOYO_KEYS, gap=False),
            Case("rolled_back", applied(*_YOYO_KEYS[:4]), _yoyo_rolled_back),
            Case("marked", applied(*_YOYO_KEYS), _yoyo_marked),
        ),
    ),
    Peer(
        name="dblift",
        tool=bench_tool("dblift"),
        trackers=("dblift_schema_history", "dblift_migration_lock"),
        sixth=("V6__add_phone.sql", _PHONE),
        cases=(
            *usual_cases("12345"),
            Case("failed", "problem failed", _dblift_failed),
            Case("baseline", applied(*"2345"), _dblift_baseline),
        ),
    ),
    Peer(
        name="yandex_pgmigrate",
        tool=Tool(
            "yandex-pgmigrate",
            "1.0.13",
            python("yandex-pgmigrate==1.0.13", "setuptools", "psycopg2-binary"),
            lambda *_: None,
            _yandex,
        ),
        trackers=("schema_version",),
        subfolder="migrations",
        prepare=_prepare_yandex,
        sixth=("V0006__Add_phone.sql", _PHONE),
        cases=(
            *usual_cases("12345", third="V0003*", fifth="V0005*"),
            Case("baseline", applied(*"2345"), _yandex_baseline),
        ),
    ),
)

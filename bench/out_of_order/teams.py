"""How a team writes migrations with each tool, and what the tool offers for a late one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.model import Command, Tool
from bench.out_of_order import schemas
from bench.out_of_order.model import BASE, LATE, Checkout, Team, Way
from bench.peers import TOOLS
from bench.peers.javascript import node
from bench.peers.ours import pgbraid
from bench.peers.perl import sqitch
from bench.peers.pypi import django, program
from devtools.checkout import Skip

if TYPE_CHECKING:
    from bench.model import Place
    from bench.work import File

__all__ = ["TEAMS"]

_MAKO = """\
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    pass
"""


def _tool(name: str) -> Tool:
    return next(tool for tool in TOOLS if tool.name == name)


def _with_option(name: str, *options: str) -> Way:
    """Return the usual deploy with more options behind it."""

    def apply(place: Place) -> Command:
        command = _tool(name).apply(place)
        return replace(command, words=(*command.words, *options))

    return Way(f"`{' '.join(options)}`", apply=apply)


def _merge(checkout: Checkout) -> None:
    if checkout.git("merge", "--no-edit", "branch-b").code:
        raise Skip("git reports a conflict")


# Alembic: a revision names the one before it.


def _alembic(place: Place, *words: str) -> Command:
    usual = _tool("alembic").apply(place)
    return replace(usual, words=(program(place, "alembic"), *words))


def _start_alembic(checkout: Checkout) -> None:
    _tool("alembic").lay_out(checkout.place.folder, BASE)
    (checkout.place.folder / "script.py.mako").write_text(_MAKO)


def _add_revision(checkout: Checkout, file: File) -> None:
    place = checkout.place
    words = ("revision", "--rev-id", str(file.version), "--message", file.name)
    checkout.must(_alembic(place, *words))
    path = place.folder / "versions" / f"{file.version}_{file.name}.py"
    path.write_text(path.read_text().replace("pass", f"op.execute({file.sql!r})"))


def _merge_heads(checkout: Checkout) -> None:
    _merge(checkout)
    checkout.must(_alembic(checkout.place, "merge", "heads", "--message", "merge"))


# Django: a migration names those it depends on.


def _add_to_django(checkout: Checkout, file: File) -> None:
    words = ("makemigrations", "shop", "--empty", "--name", file.name)
    checkout.must(django(checkout.place, *words))
    (path,) = (checkout.place.folder / "shop" / "migrations").glob(f"*{file.name}.py")
    before, _, _ = path.read_text().partition("operations = [")
    path.write_text(f"{before}operations = [migrations.RunSQL({file.sql!r})]\n")


def _makemigrations_merge(checkout: Checkout) -> None:
    _merge(checkout)
    checkout.must(django(checkout.place, "makemigrations", "--merge", "--no-input"))


# Sqitch: a plan lists all changes in order.


def _add_change(checkout: Checkout, file: File) -> None:
    checkout.must(sqitch(checkout.place, "add", file.name, "--note", file.name))
    deploy = checkout.place.folder / "deploy" / f"{file.name}.sql"
    deploy.write_text(f"BEGIN;\n{file.sql}COMMIT;\n")


def _union_merge(checkout: Checkout) -> None:
    """Merge the plan as Sqitch's tutorial advises: both lines, the merged branch's last."""
    info = checkout.place.folder / ".git" / "info"
    (info / "attributes").write_text("sqitch.plan merge=union\n")
    _merge(checkout)


# Graphile Migrate: a committed migration names the hash of the one before it.


def _commit_current(checkout: Checkout, file: File) -> None:
    """Commit as a developer does, whose own database the command migrates, too."""
    place = checkout.place
    (place.folder / "migrations" / "current.sql").write_text(file.sql)
    command = node(place, "graphile-migrate/dist/cli.js", "commit", "--message", file.name)
    names = ("DATABASE_URL", "SHADOW_DATABASE_URL", "ROOT_DATABASE_URL")
    urls = {name: replace(place, database=checkout.new_database()).url for name in names}
    checkout.must(replace(command, env=command.env | urls))


def _commit_again(checkout: Checkout) -> None:
    """Keep branch A's file and commit branch B's change on top of it."""
    checkout.git("merge", "--no-edit", "branch-b")
    checkout.must_git("reset", "--quiet", "--hard", "branch-a")
    _commit_current(checkout, LATE)


# tern: versions without a hole, counted from 1.


def _start_tern(checkout: Checkout) -> None:
    files = [replace(file, version=number) for number, file in enumerate(BASE, 1)]
    _tool("tern").lay_out(checkout.place.folder, files)


def _tern_new(checkout: Checkout, file: File) -> None:
    folder = checkout.place.folder
    words = (str(checkout.place.home / "bin" / "tern"), "new", "--migrations", str(folder))
    checkout.must(Command((*words, file.name), folder=folder))
    (path,) = folder.glob(f"*_{file.name}.sql")
    path.write_text(file.sql)


def _renumber(checkout: Checkout) -> None:
    _merge(checkout)
    (path,) = checkout.place.folder.glob(f"*_{LATE.name}.sql")
    tern_renumber = path.with_name(f"004_{LATE.name}.sql")
    path.rename(tern_renumber)


# yoyo: a header names what a migration depends on.


def _add_with_depends(checkout: Checkout, file: File) -> None:
    depends = BASE[-1].file_name("")
    text = f"-- {file.name}\n-- depends: {depends}\n\n{file.sql}"
    (checkout.place.folder / file.file_name()).write_text(text)


TEAMS = (
    Team(replace(_tool("pgbraid"), apply=lambda place: pgbraid("up", place=place))),
    Team(_tool("dbmate")),
    Team(_tool("goose"), ways=(_with_option("goose", "-allow-missing"),)),
    Team(_tool("golang-migrate")),
    Team(_tool("tern"), _start_tern, _tern_new, (Way("renumber the file", _renumber),), "tern new"),
    Team(_tool("sql-migrate")),
    Team(
        _tool("alembic"),
        _start_alembic,
        _add_revision,
        (
            Way("`alembic merge heads`", _merge_heads),
            Way("`alembic upgrade heads`", None, lambda place: _alembic(place, "upgrade", "heads")),
        ),
        "alembic revision",
    ),
    Team(_tool("yoyo"), add=_add_with_depends, how="files by hand, as `yoyo new` writes them"),
    Team(
        _tool("django"),
        add=_add_to_django,
        ways=(Way("`makemigrations --merge`", _makemigrations_merge),),
        how="makemigrations --empty",
    ),
    Team(_tool("dblift")),
    Team(
        _tool("node-pg-migrate"),
        ways=(_with_option("node-pg-migrate", "--no-check-order"),),
    ),
    Team(
        _tool("graphile-migrate"),
        add=_commit_current,
        ways=(Way("commit again on top", _commit_again),),
        how="graphile-migrate commit",
    ),
    Team(
        _tool("sqitch"),
        add=_add_change,
        ways=(Way("`merge=union` for the plan", _union_merge),),
        how="sqitch add",
    ),
    Team(_tool("flyway"), ways=(_with_option("flyway", "-outOfOrder=true"),)),
    Team(_tool("liquibase")),
    Team(_tool("sqlx-cli")),
    Team(_tool("refinery")),
    Team(
        schemas.DRIZZLE,
        schemas.start_drizzle,
        schemas.add_by_drizzle,
        (Way("generate again on top", schemas.generate_again),),
        "drizzle-kit generate",
    ),
    Team(
        schemas.DRIZZLE_RC,
        schemas.start_drizzle,
        schemas.add_by_drizzle,
        (),
        "drizzle-kit generate",
    ),
    Team(schemas.PRISMA, schemas.start_prisma, schemas.add_by_prisma),
)
"""Every team, in the order of bench/peers."""

"""Rails: its migrations run without the rest of an application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.install import debian
from bench.model import Command, Tool
from devtools.adopt_peers.model import Case, Peer, applied, usual_cases

if TYPE_CHECKING:
    from bench.model import Place
    from devtools.adopt_peers.stage import Stage

__all__ = ["PEERS"]

_TIMES = tuple(f"2024050{n}090000" for n in range(1, 6))
_RUN = """\
require "active_record"

ActiveRecord::Base.establish_connection(ENV.fetch("DATABASE_URL"))
context = ActiveRecord::MigrationContext.new("db/migrate", ActiveRecord::SchemaMigration)
ARGV.include?("rollback") ? context.rollback(1) : context.migrate
"""
_SIXTH = """\
class AddPhone < ActiveRecord::Migration[6.1]
  def up
    execute "ALTER TABLE users ADD COLUMN phone text"
  end
end
"""


def _prepare(place: Place) -> None:
    (place.folder / "run.rb").write_text(_RUN)


def _rails(place: Place, *words: str) -> Command:
    return Command(("ruby", "run.rb", *words), {"DATABASE_URL": place.url}, place.folder)


def _rolled_back(stage: Stage) -> None:
    stage.apply()
    stage.call(_rails(stage.place, "rollback"))


PEERS = (
    Peer(
        name="rails",
        tool=Tool(
            "rails",
            "6.1.7",
            debian("ruby-activerecord", "ruby", "ruby-pg"),
            lambda *_: None,
            _rails,
        ),
        trackers=("schema_migrations", "ar_internal_metadata"),
        subfolder="db/migrate",
        prepare=_prepare,
        sixth=("20240506090000_add_phone.rb", _SIXTH),
        cases=(
            *usual_cases(_TIMES),
            Case("rolled_back", applied(*_TIMES[:4]), _rolled_back),
        ),
    ),
)

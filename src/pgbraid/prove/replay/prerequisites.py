"""What a scratch server is given because migrations expect it: roles, databases, extensions.

A role that a migration names, and that no migration creates, is there before the first one on the
server that is deployed to. So it is created on a scratch server of our own, when the first
migration fails for want of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pgbraid.model import sqlstate

if TYPE_CHECKING:
    from pgbraid.model.options import Prelude
    from pgbraid.model.proof import ReplayFailure
    from pgbraid.postgres.ledger.history import AppliedHistory, MigratingRole
    from pgbraid.postgres.scratch.cluster_state import Cluster
    from pgbraid.postgres.scratch.databases import ScratchServer

__all__ = ["Missing", "Prerequisites"]

_ROLE = re.compile(r'^role "(?P<name>.+)" does not exist$')
_DATABASE = re.compile(r'^database "(?P<name>.+)" does not exist$')
_EXISTING = re.compile(r'^(?P<kind>role|extension) "(?P<name>.+)" already exists$')
_PLATFORM = re.compile(
    r"^(?:permission denied to |must be superuser|only roles with )", re.IGNORECASE
)
"""Rights that no migration grants or takes away: a platform gives them to its own roles."""


class Missing(NamedTuple):
    """What a migration failed for want of: a ``role``, a ``database`` or ``rights`` of a role.

    An ``own extension`` is one that the migration creates itself, so that it must not be there.
    """

    kind: str
    name: str

    @property
    def in_database(self) -> bool:
        """Whether databases that were made before do not have it."""
        return self.kind == "own extension"


class Prerequisites:
    """What was created on a scratch server before, or between, the migrations.

    ``provided`` names it for a person to read; ``weakened`` says in which respects the replay is
    therefore not what the database does.
    """

    def __init__(
        self,
        scratch: ScratchServer,
        like: AppliedHistory | None = None,
        role: MigratingRole | None = None,
        prelude: Prelude | None = None,
    ) -> None:
        self.scratch = scratch
        self.role = role
        self.prelude = prelude
        self.provided: list[str] = []
        self.weakened: list[str] = []
        self._created: set[str] = set()
        """The roles that migrations create, as the server showed."""
        self._made: dict[Missing, ReplayFailure] = {}
        self._extensions = like.extensions if like else ()
        self._extends = False

    def note_created(self, before: Cluster | None, after: Cluster | None) -> None:
        """Take note of the roles that a replay has created: nobody else provides them."""
        if before is not None and after is not None:
            self._created |= after.names("role") - before.names("role")

    def missing(self, failure: ReplayFailure | None) -> Missing | None:
        """Return what a migration failed for want of, if the server may be given it."""
        if failure is None or not self.scratch.exclusive:
            return None
        diagnostic = failure.diagnostic
        if self._extends and diagnostic.sqlstate == sqlstate.DUPLICATE_OBJECT:
            found = _EXISTING.match(diagnostic.message)
            names = {name for name, _ in self._extensions}
            if found and found["kind"] == "extension" and found["name"] in names:
                return Missing("own extension", found["name"])
        if diagnostic.sqlstate == sqlstate.INSUFFICIENT_PRIVILEGE and _PLATFORM.match(
            diagnostic.message
        ):
            weak = self.role and not self.role.superuser
            need = Missing("rights", self.role.name) if self.role and weak else None
            return None if need in self._made else need
        for kind, code, pattern in (
            ("role", sqlstate.UNDEFINED_OBJECT, _ROLE),
            ("database", sqlstate.INVALID_CATALOG_NAME, _DATABASE),
        ):
            found = pattern.match(diagnostic.message) if diagnostic.sqlstate == code else None
            if found:
                need = Missing(kind, found["name"])
                known = need in self._made or (kind == "role" and need.name in self._created)
                return None if known else need
        return None

    def explained(self, failure: ReplayFailure | None) -> ReplayFailure | None:
        """Return the failure that counts: of a role that came too late, the one for want of it."""
        if failure is None or failure.diagnostic.sqlstate != sqlstate.DUPLICATE_OBJECT:
            return failure
        found = _EXISTING.match(failure.diagnostic.message)
        return self._made.get(Missing("role", found["name"]), failure) if found else failure

    def provide(self, need: Missing, failure: ReplayFailure) -> None:
        """Create what is missing, for this and for every later replay."""
        if need.kind == "own extension":
            self._extensions = tuple(e for e in self._extensions if e[0] != need.name)
            self.provided = [what for what in self.provided if what != f"extension {need.name}"]
            return
        self._made[need] = failure
        self._make(need)
        if need.kind == "rights":
            self.weakened.append(
                f"the rights of role {need.name}: {failure.migration.label} needs some that a "
                "plain server gives to superusers only, so a superuser replayed"
            )
        else:
            self.provided.append(f"{need.kind} {need.name}")

    def restore(self) -> None:
        """Create again what is not there any more."""
        for need in self._made:
            self._make(need)

    def _make(self, need: Missing) -> None:
        if need.kind == "rights":
            self.scratch.elevate(need.name)
        elif need.kind == "database":
            self.scratch.add_database(need.name)
        elif not self.scratch.has_role(need.name):
            self.scratch.add_role(need.name)
            if self.role and need.name in self.role.member_of:
                self.scratch.add_member(need.name, self.role.name)

    def needs_extensions(self, failure: ReplayFailure | None) -> bool:
        """Whether a migration may have failed for want of an extension that was not created yet."""
        return failure is not None and bool(self._extensions) and not self._extends

    def extend_from_now_on(self) -> None:
        """Create the extensions of the database in every scratch database to come."""
        self._extends = True

    def furnish(self, name: str) -> None:
        """Create in a new scratch database what is there before the first migration."""
        if self.prelude:
            self.scratch.run_prelude(name, self.prelude)
        if not self._extends:
            return
        for extension in self.scratch.create_extensions(name, self._extensions):
            if f"extension {extension}" not in self.provided:
                self.provided.append(f"extension {extension}")

"""Creates objects that migrations expect on a scratch server: roles, databases, extensions.

A role that migrations name but do not create must have existed on the production server before the
first migration. On a scratch server that only pgbraid uses (an exclusive one), it is created when a
migration fails without it.
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
"""Errors about rights that no migration grants: a platform gives them to its own roles."""


class Missing(NamedTuple):
    """The reason why a migration failed: a missing ``role``, ``database``, or missing ``rights``.

    ``own extension``: pgbraid created the extension, but a migration creates it itself.
    """

    kind: str
    name: str

    @property
    def in_database(self) -> bool:
        """Whether existing scratch databases must be created again."""
        return self.kind == "own extension"


class Prerequisites:
    """The objects that were created on a scratch server because migrations expect them.

    ``provided`` lists them for messages. ``weakened`` lists the rights that the replay had,
    and that a run on the database may lack.
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
        """The roles that replays have created."""
        self._made: dict[Missing, ReplayFailure] = {}
        self._extensions = like.extensions if like else ()
        self._extends = False

    def note_created(self, before: Cluster | None, after: Cluster | None) -> None:
        """Remember the roles that migrations created in a replay, so that none is provided."""
        if before is not None and after is not None:
            self._created |= after.names("role") - before.names("role")

    def missing(self, failure: ReplayFailure | None) -> Missing | None:
        """Return the reason of a failure, if a change of the scratch server can remove it."""
        if failure is None or not self.scratch.exclusive:
            return None
        diagnostic = failure.diagnostic
        if self._extends and diagnostic.sqlstate == sqlstate.DUPLICATE_OBJECT:
            # The database has the extension, but this migration has created it there.
            match = _EXISTING.match(diagnostic.message)
            names = {name for name, _ in self._extensions}
            if match and match["kind"] == "extension" and match["name"] in names:
                return Missing("own extension", match["name"])
        if diagnostic.sqlstate == sqlstate.INSUFFICIENT_PRIVILEGE and _PLATFORM.match(
            diagnostic.message
        ):
            may_elevate = self.role and not self.role.superuser
            need = Missing("rights", self.role.name) if self.role and may_elevate else None
            return None if need in self._made else need
        for kind, code, pattern in (
            ("role", sqlstate.UNDEFINED_OBJECT, _ROLE),
            ("database", sqlstate.INVALID_CATALOG_NAME, _DATABASE),
        ):
            match = pattern.match(diagnostic.message) if diagnostic.sqlstate == code else None
            if match:
                need = Missing(kind, match["name"])
                # A role that a migration creates is missing only in this order: this is a result.
                created = kind == "role" and need.name in self._created
                return None if created or need in self._made else need
        return None

    def explained(self, failure: ReplayFailure | None) -> ReplayFailure | None:
        """Return the failure to report.

        If a migration fails because pgbraid has already created its role, this is the earlier
        failure for which pgbraid created the role.
        """
        if failure is None or failure.diagnostic.sqlstate != sqlstate.DUPLICATE_OBJECT:
            return failure
        match = _EXISTING.match(failure.diagnostic.message)
        return self._made.get(Missing("role", match["name"]), failure) if match else failure

    def provide(self, need: Missing, failure: ReplayFailure) -> None:
        """Create a missing object, for this and every later replay."""
        if need.kind == "own extension":
            self._extensions = tuple(e for e in self._extensions if e[0] != need.name)
            self.provided = [line for line in self.provided if line != f"extension {need.name}"]
            return
        self._made[need] = failure
        self._make(need)
        if need.kind == "rights":
            self.weakened.append(
                f"the rights of role {need.name}: {failure.migration.label} needs rights that a "
                "plain server gives to superusers only, so a superuser replayed"
            )
        else:
            self.provided.append(f"{need.kind} {need.name}")

    def restore(self) -> None:
        """Create the provided objects again that a clean-up has dropped."""
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
        """Return whether the failure may be due to an extension that is not created yet."""
        return failure is not None and bool(self._extensions) and not self._extends

    def extend_from_now_on(self) -> None:
        """Create the extensions of the production database in every new scratch database."""
        self._extends = True

    def furnish(self, name: str) -> None:
        """Run the prelude and create the extensions in a new scratch database."""
        if self.prelude:
            self.scratch.run_prelude(name, self.prelude)
        if not self._extends:
            return
        for extension in self.scratch.create_extensions(name, self._extensions):
            if f"extension {extension}" not in self.provided:
                self.provided.append(f"extension {extension}")

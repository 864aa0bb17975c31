"""A team's folder under git, and how the team of one tool writes and deploys a migration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.measure import Outcome, run
from bench.model import Command, Place, Tool
from bench.work import File
from devtools.checkout import Skip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["BASE", "EARLY", "LATE", "Checkout", "Result", "Team", "Way"]

BASE = (
    File(101, "users", "CREATE TABLE users (id integer PRIMARY KEY);\n"),
    File(102, "orders", "CREATE TABLE orders (id integer PRIMARY KEY);\n"),
)
"""What both branches start from; it is deployed before either of them."""
LATE = File(103, "add_email", "ALTER TABLE users ADD COLUMN email text;\n")
"""Branch B: written first, merged last."""
EARLY = File(104, "add_paid", "ALTER TABLE orders ADD COLUMN paid text;\n")
"""Branch A: merged and deployed first."""
_IDENTITY = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
_NO_SETTINGS = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}


@dataclass(frozen=True, slots=True)
class Checkout:
    """A team's folder and database."""

    place: Place
    home: Path
    """The HOME of every process."""
    new_database: Callable[[], str]
    """Makes an empty database, for a tool that needs one to write a migration."""

    def run(self, command: Command) -> Outcome:
        """Run a command of the tool."""
        return run(command, self.home)

    def must(self, command: Command) -> Outcome:
        """Run a command. Raises Skip where it fails."""
        outcome = self.run(command)
        if outcome.code:
            raise Skip(f"{' '.join(command.words[:3])}: {outcome.complaint}")
        return outcome

    def git(self, *words: str) -> Outcome:
        """Run git in the folder."""
        return self.run(Command(("git", *_IDENTITY, *words), _NO_SETTINGS, self.place.folder))

    def must_git(self, *words: str) -> Outcome:
        """Run git in the folder. Raises Skip where it fails."""
        outcome = self.git(*words)
        if outcome.code:
            raise Skip(f"git {' '.join(words)}: {outcome.complaint}")
        return outcome

    def start_repository(self) -> None:
        """Make the folder a repository that leaves out what a team leaves out."""
        self.must_git("init", "--quiet", "--initial-branch=main")
        exclude = self.place.folder / ".git" / "info" / "exclude"
        exclude.write_text("__pycache__\nnode_modules\n")

    def commit(self, message: str) -> None:
        """Commit everything in the folder."""
        self.must_git("add", "--all")
        self.must_git("commit", "--quiet", "--message", message)


@dataclass(frozen=True, slots=True)
class Way:
    """What a tool or git offers for a late migration: an option, or a step before the deploy."""

    label: str
    step: Callable[[Checkout], None] | None = None
    """Runs after both branches are in the folder."""
    apply: Callable[[Place], Command] | None = None
    """The deploy, where it differs from the usual one."""


@dataclass(frozen=True, slots=True)
class Team:
    """How a team writes migrations with one tool. The default is a file for each migration."""

    tool: Tool
    start: Callable[[Checkout], None] | None = None
    """Writes the settings and BASE."""
    add: Callable[[Checkout, File], None] | None = None
    """Writes one more migration on a branch."""
    ways: tuple[Way, ...] = ()
    how: str = "files by hand"

    def begin(self, checkout: Checkout) -> None:
        """Write the folder both branches start from."""
        if self.start is not None:
            self.start(checkout)
        else:
            self.tool.lay_out(checkout.place.folder, BASE)

    def write(self, checkout: Checkout, file: File) -> None:
        """Write a migration on the branch that is checked out."""
        if self.add is not None:
            self.add(checkout, file)
        else:
            self.tool.lay_out(checkout.place.folder, [file])


@dataclass(frozen=True, slots=True)
class Result:
    """What one deploy of both branches gave."""

    tool: str
    version: str
    how: str
    way: str
    """Empty for the usual deploy, else the label of a way."""
    outcome: str
    code: int | None
    said: str
    kind: str = "peer"
    date: str = ""
    reader_wait: float | None = None
    """Seconds a reader of the table waited, while the late migration waited for a lock."""

"""The list of commands. Each command is a module, imported when it is called."""

from __future__ import annotations

__all__ = ["COMMANDS", "Command", "find"]


class Command:
    """A command: its name, and its line in ``--help``."""

    __slots__ = ("name", "summary")

    def __init__(self, name: str, summary: str) -> None:
        self.name = name
        self.summary = summary

    @property
    def module(self) -> str:
        """The module with its ``add_arguments`` and ``run``."""
        return f"pgbraid.cli.commands.{self.name}"


COMMANDS: tuple[Command, ...] = (
    Command("up", "apply all pending migrations, gaps included"),
    Command("plan", "show what up would do"),
    Command("status", "show the state of every version"),
    Command("prove", "compare the results of an out-of-order history and of a fresh database"),
    Command("drift", "find schema changes that no migration made"),
    Command("snapshot", "write the schema of a database as stable text, or compare it"),
    Command("check", "verify that the applied migrations match the files"),
    Command("sum", "list the files with their checksums in pgbraid.sum"),
    Command("new", "create the next migration file"),
    Command("repair", "accept files that changed after they were applied"),
    Command("baseline", "record migrations as applied without running them"),
    Command("adopt", "record another tool's history as applied"),
    Command("resume", "resume an incomplete non-transactional migration"),
    Command("undo", "run the down file of one version"),
    Command("demo", "show an out-of-order merge on an embedded PostgreSQL"),
)

_VALUED = frozenset(
    {
        *("--database", "--direct-url", "--dir", "--schema", "--table", "--config", "--role"),
        *("--scratch", "--gaps", "--accept", "--wait"),
        *("--lock-wait", "--lock-timeout", "--statement-timeout", "--retry-for", "--commit-wait"),
    }
)


def find(arguments: list[str]) -> Command | None:
    """Return the called command: the first command name that is not the value of an option."""
    names = {command.name: command for command in COMMANDS}
    before = ["", *arguments]
    words = (word for word, last in zip(arguments, before, strict=False) if last not in _VALUED)
    return next((names[word] for word in words if word in names), None)

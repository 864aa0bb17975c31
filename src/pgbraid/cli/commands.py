"""Which commands there are; each is a module of its own, imported when it is called."""

from __future__ import annotations

__all__ = ["COMMANDS", "Command", "find"]


class Command:
    """A command: its name, and the line of ``--help`` about it."""

    __slots__ = ("name", "summary")

    def __init__(self, name: str, summary: str) -> None:
        self.name = name
        self.summary = summary

    @property
    def module(self) -> str:
        """The module with its ``add_arguments`` and ``run``."""
        return f"pgbraid.cli.{self.name}"


COMMANDS: tuple[Command, ...] = (
    Command("up", "apply every migration that the set lacks"),
    Command("plan", "show what up would do, gaps marked; reads only"),
    Command("status", "show where every version stands"),
    Command("prove", "show that a late merge ends as a fresh database does"),
    Command("drift", "find what somebody changed by hand in a database"),
    Command("snapshot", "write a database's schema as stable text, or compare it"),
    Command("check", "answer whether the applied set is exactly the files'"),
    Command("sum", "list the files with their checksums in pgbraid.sum"),
    Command("new", "create the next migration file"),
    Command("repair", "accept files that changed after they were applied"),
    Command("baseline", "record migrations as applied without running them"),
    Command("adopt", "enter another tool's history in the set"),
    Command("resume", "go on with a migration that was cut outside a transaction"),
    Command("undo", "run one version's down file and take it out of the set"),
    Command("demo", "play an out-of-order merge on an embedded PostgreSQL"),
)

_VALUED = frozenset(
    {
        *("--database", "--direct-url", "--dir", "--schema", "--table", "--config", "--role"),
        *("--scratch", "--gaps", "--accept", "--wait"),
        *("--lock-wait", "--lock-timeout", "--statement-timeout", "--retry-for", "--commit-wait"),
    }
)


def find(arguments: list[str]) -> Command | None:
    """Return the command that is called: the first word that is no option's value."""
    names = {command.name: command for command in COMMANDS}
    before = ["", *arguments]
    words = (word for word, last in zip(arguments, before, strict=False) if last not in _VALUED)
    return next((names[word] for word in words if word in names), None)

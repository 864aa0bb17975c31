"""The option ``--env-file``: the variables of a file, as long as a command runs."""

from __future__ import annotations

from contextlib import contextmanager

from pgbraid.settings.env_file import read_env_file
from pgbraid.settings.environment import with_missing_variables

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.cli.render import Output

__all__ = ["variables_of"]


@contextmanager
def variables_of(path: str, output: Output) -> Iterator[None]:
    """Add the variables of a file to the environment until the block ends.

    Warns if the file has a password and other users may read it. Raises ConfigError as
    ``read_env_file`` does.
    """
    file = read_env_file(path)
    if file.readable_by_others and file.has_password:
        output.warn(
            "password_readable",
            f"other users of this machine can read the password in {path}",
            hint=f"Run `chmod go= {path}`.",
        )
    with with_missing_variables(file.values) as added:
        output.detail(f"variables: {', '.join(added) or 'none'} of {path}")
        yield

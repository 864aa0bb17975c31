"""Lets clients with a password connect to a persistent server by TCP, on 127.0.0.1 only.

An embedded server trusts its socket, which only its own user can reach. Every user of the machine
can reach a port of 127.0.0.1, so there a password is required. It is kept in the server's folder,
in a file that only the owner can read, so the URL stays the same.
"""

from __future__ import annotations

import os
import secrets
import socket
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.client.connection import open_connection

if TYPE_CHECKING:
    from pgbraid.postgres.server.private_folders import PrivateFolder
    from pgbraid.postgres.server.safe_files import OpenFolder

__all__ = ["HOST", "check_free", "port_of", "read_password", "set_password", "tcp_options"]

HOST = "127.0.0.1"
_PASSWORD = "pgbraid.password"  # noqa: S105 - the name of a file
_METHOD = "scram-sha-256"
_HBA = f"local all all trust\nhost all all {HOST}/32 {_METHOD}\n"
_LONGEST = 200


def check_free(port: int) -> None:
    """Raise EmbeddedError if no server can listen on a port: another program does, or a right."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise EmbeddedError(
                f"the port {port} of {HOST} cannot be used: {error.strerror}",
                hint="Name another port with `port`; `pgbraid server DIR --stop` ends the server "
                "of a folder.",
            ) from None


def tcp_options(base: PrivateFolder, port: int) -> tuple[str, ...]:
    """Return the options of a server that also listens on the port, and requires a password there.

    They replace the file pg_hba.conf of the data, which may trust everyone.
    """
    hba = base.write_hba(_HBA)
    return ("-p", str(port), "-c", f"listen_addresses={HOST}", "-c", f"hba_file={hba}")


def read_password(place: OpenFolder) -> str:
    """Return the password of a server's folder, generated at the first call."""
    file = place.open_own(_PASSWORD, os.O_RDWR)
    try:
        known = os.read(file, _LONGEST).decode(errors="replace").strip()
        if known:
            return known
        made = secrets.token_urlsafe(24)
        os.write(file, f"{made}\n".encode())
        os.fsync(file)
    finally:
        os.close(file)
    return made


def set_password(conninfo: str, password: str) -> None:
    """Give the role postgres a password; the server gets only its verifier, also in its log."""
    with open_connection(conninfo_to_dict(conninfo)) as conn:
        verifier = conn.pgconn.encrypt_password(password.encode(), b"postgres", _METHOD.encode())
        conn.execute("ALTER ROLE postgres PASSWORD %s", (verifier.decode(),))


def port_of(conninfo: str) -> int | None:
    """Return the TCP port of a running server, or None if it listens on a socket only."""
    with open_connection(conninfo_to_dict(conninfo)) as conn:
        row = conn.execute(
            "SELECT current_setting('listen_addresses'), current_setting('port')::int,"
            " current_setting('hba_file')"
        ).fetchone()
    return row[1] if row and row[0] == HOST and os.path.basename(row[2]) == "hba" else None  # noqa: PTH119 - a name of the server's

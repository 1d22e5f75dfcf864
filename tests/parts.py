"""The cluster and the broker of a test session."""

import os
import signal
import socket
import time

from bioccia.lifecycle import paths, postgres, processes, redis, schema, services

TEMPLATE_REGION = "template"


class Parts:
    """PostgreSQL and Redis under the session's place."""

    def revive(self) -> None:
        """Start what does not run, and wait until it answers."""
        services.start(durable=False)

    def stop(self) -> None:
        """Stop both; their files stay for the next session that takes this place."""
        services.stop()

    def prepare_template(self) -> None:
        """Have a migrated database that the test database is copied from."""
        stamp = paths.region_dir(TEMPLATE_REGION) / ".schema"
        if not (stamp.exists() and stamp.read_text() == schema.stamp_value()):
            # Migrations may have been rewritten: start again rather than apply them to an older history.
            name = paths.database_name(TEMPLATE_REGION)
            postgres.ask("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        schema.ensure_schema(TEMPLATE_REGION)
        postgres.ask("postgres", "DROP DATABASE IF EXISTS bioccia_test WITH (FORCE)")

    def kill_database(self) -> None:
        """SIGKILL the PostgreSQL server; its children end by themselves."""
        _kill(processes.read_pid_file(postgres.pid_file()))

    def kill_broker(self) -> None:
        """SIGKILL the Redis server."""
        _kill(processes.read_pid_file(redis.pid_file()))

    def empty_broker(self) -> None:
        """Forget every task."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(paths.redis_socket()))
            line.sendall(b"FLUSHALL\r\n")
            assert line.recv(16).startswith(b"+OK")


def _kill(mark: processes.ProcessMark) -> None:
    os.kill(mark.pid, signal.SIGKILL)
    while mark.is_alive():
        time.sleep(0.01)

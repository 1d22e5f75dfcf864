"""`python -m bioccia.lifecycle COMMAND`: what the Makefile calls."""

import argparse
import sys

from bioccia.lifecycle import paths, postgres, services
from bioccia.lifecycle.errors import LifecycleError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bioccia.lifecycle")
    parser.add_argument("command", choices=["services", "stop"])
    command = parser.parse_args().command
    try:
        if command == "services":
            services.start()
            postgres.ensure_database(paths.region_name())
        else:
            services.stop()
    except LifecycleError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

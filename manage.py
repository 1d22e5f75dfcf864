#!/usr/bin/env python3
"""Django's command line: it finds the project's interpreter and starts the private database when a command needs it."""

import os
import sys

from bioccia.lifecycle import commands, environment
from bioccia.lifecycle.errors import LifecycleError


def main() -> None:
    """Run a management command."""
    environment.load_dotenv()
    environment.use_project_python("django")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bioccia.settings")
    from django.core.management import execute_from_command_line

    try:
        with commands.prepared(sys.argv[1:]):
            execute_from_command_line(sys.argv)
    except LifecycleError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

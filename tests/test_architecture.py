"""The drawing of ARCHITECTURE holds: imports only go down, and the engine stands on its own."""

import os
import subprocess
import sys
from pathlib import Path

from bioccia.lifecycle.paths import REPOSITORY


def run(*arguments, **environment):
    return subprocess.run(
        arguments, cwd=REPOSITORY, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def test_imports_respect_the_contracts():
    answer = run(Path(sys.executable).with_name("lint-imports"), NO_COLOR="1")
    assert answer.returncode == 0, answer.stdout


def test_importing_the_engine_loads_no_django():
    code = (
        "import importlib, pkgutil, sys, ml.compute\n"
        "for module in pkgutil.walk_packages(ml.compute.__path__, 'ml.compute.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(*sorted(loaded & {'django', 'rest_framework', 'celery', 'bioccia'}))"
    )
    answer = run(sys.executable, "-c", code)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == []


def test_the_lifecycle_needs_nothing_but_the_standard_library():
    code = "import bioccia.lifecycle.__main__, sys; print('django' in sys.modules, 'psutil' in sys.modules)"
    answer = run(sys.executable, "-S", "-c", code)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == ["False", "False"]

"""What must be installed and made before anything runs, as steps that run side by side where they can."""

from collections.abc import Callable
from pathlib import Path

from bioccia.lifecycle import debian, environment, frontend, layout, paths, postgres, programs, redis, schema, services
from bioccia.lifecycle import python_packages as python
from bioccia.lifecycle.steps import Step, run_step

VENV = "Virtual environment"
SYSTEM = "PostgreSQL, PostGIS and Redis"
PACKAGES = "Python packages"
TEST_PACKAGES = "Python packages of the tests"
TEST_SYSTEM = "Chromium, fonts and gettext for the tests"
NPM = "npm packages"
BUNDLES = "Scripts and style sheets"
CATALOGUES = "Translations"
STATIC = "Static files"
SERVICES = "Database server and broker"
SCHEMA = "Tables"
SIMULATION = "Simulated region"


def check_place() -> None:
    """Look at the disk and at `var/` before touching them.

    Raises:
        LifecycleError: the disk is nearly full, or `var/` is of another version.
    """
    environment.load_dotenv()
    debian.check_disk(paths.var_dir())
    layout.check()


def _any(*actions: Callable[[], bool]) -> Callable[[], bool]:
    """Do each in turn; true when one had something to do."""
    return lambda: sum(action() for action in actions) > 0


def _steps_of_system() -> list[Step]:
    # One apt at a time: the venv module first, because everything in Python waits for it.
    if not all(part.is_here() for part in debian.FOR_PYTHON):
        run_step(Step("Python's venv module", lambda: debian.ensure(debian.FOR_PYTHON)))
    return [Step(SYSTEM, lambda: debian.ensure(debian.for_services()))]


def _steps_of_packages() -> list[Step]:
    return [
        Step(VENV, _any(python.make_venv, lambda: python.install(python.TOOLS_LOCK))),
        Step(PACKAGES, lambda: python.install(python.RUNTIME_LOCK), after=(VENV,)),
        # Without a Node.js of the system, the one of the virtual environment serves: not before it is there.
        Step(NPM, frontend.install_npm_packages, after=() if frontend.system_node_serves() else (VENV,)),
        Step(BUNDLES, frontend.build_bundles, after=(NPM,)),
        Step(CATALOGUES, frontend.compile_catalogues, after=(PACKAGES,)),
    ]


def _start_services() -> bool:
    running = (postgres.is_running() or not services.needs_postgres()) and (
        redis.is_running() or not services.needs_redis()
    )
    services.start()
    return not running


def setup_steps() -> list[Step]:
    """Everything but the services: what `make setup` does."""
    return [*_steps_of_system(), *_steps_of_packages()]


def run_steps_of(region: str) -> list[Step]:
    """What `make run` does before it serves."""
    return [
        *setup_steps(),
        Step(STATIC, lambda: frontend.collect_static_files(region), after=(BUNDLES, PACKAGES)),
        Step(SERVICES, _start_services, after=(SYSTEM,)),
        Step(SCHEMA, lambda: schema.ensure_schema(region), after=(SERVICES, PACKAGES)),
    ]


def simulated_folder(region: str) -> Path:
    """Where the built-in region stands; the demonstration looks there too."""
    return paths.region_dir(region) / "region"


def simulate(region: str) -> bool:
    """Generate the built-in region while other steps wait for the network or the disk; the demonstration finds it.

    Returns:
        Whether it was generated now.
    """
    folder = simulated_folder(region)
    if (folder / "region.toml").exists():
        return False
    options = ["--out", str(folder), "--truth", str(folder.with_name("truth"))]
    command = [str(environment.project_python()), "-m", "ml.compute", "simulate", *options]
    programs.run(SIMULATION, command, environment=environment.process_environment(region))
    return True


def test_steps() -> list[Step]:
    """What `make test`, `make check` and `make bench` need: the tests start their own services."""
    return [
        *setup_steps(),
        Step(TEST_SYSTEM, lambda: debian.ensure(debian.FOR_TESTS), after=(SYSTEM,)),
        Step(TEST_PACKAGES, lambda: python.install(python.TESTS_LOCK), after=(PACKAGES,)),
    ]

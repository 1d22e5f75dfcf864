"""What browsers receive: npm packages, bundles, catalogues of translations, collected static files."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from bioccia.lifecycle import environment, paths, programs, python_packages, stamps

OLDEST_NODE = 20
FRONTEND = paths.REPOSITORY / "frontend"
BUNDLES = paths.REPOSITORY / "static" / "bundle"
NPM_LOCKS = (paths.REPOSITORY / "package.json", paths.REPOSITORY / "package-lock.json")
NODE_MODULES = paths.REPOSITORY / "node_modules"


def system_node_serves() -> bool:
    """Whether the system has npm and a Node.js that is new enough."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)", said)
    return version is not None and int(version[1]) >= OLDEST_NODE


def node_environment() -> dict[str, str]:
    """The environment in which `npm` and `node` are those of the system, or those of the virtual environment."""
    if system_node_serves():
        return dict(os.environ)
    python_packages.install(python_packages.NODE_LOCK)
    return {**os.environ, "PATH": f"{environment.VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def _npm(name: str, *arguments: str) -> None:
    settings = node_environment()
    npm = shutil.which("npm", path=settings.get("PATH")) or "npm"
    programs.run(name, [npm, *arguments], environment=settings)


def install_npm_packages() -> bool:
    """Install the npm packages of the lock file; no script of theirs runs.

    Returns:
        Whether something was to install.
    """
    stamp = NODE_MODULES / ".installed"
    value = stamps.digest_files(NPM_LOCKS)
    if stamps.is_current(stamp, value):
        return False
    _npm("npm packages", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    stamps.write(stamp, value)
    return True


def build_bundles() -> bool:
    """Bundle the scripts and sheets of `frontend/` into `static/bundle/`.

    Returns:
        Whether something was to build.
    """
    value = stamps.digest_files([*stamps.tree(FRONTEND), *NPM_LOCKS])
    if BUNDLES.is_dir() and stamps.is_current(stamps.in_var("bundles"), value):
        return False
    _npm("Bundles", "run", "build")
    BUNDLES.mkdir(parents=True, exist_ok=True)
    stamps.write(stamps.in_var("bundles"), value)
    return True


def compile_catalogues() -> bool:
    """Compile the translations, for Python and for scripts.

    Returns:
        Whether something was to compile.
    """
    catalogues = sorted(paths.REPOSITORY.glob("locale/*/LC_MESSAGES/*.po"))
    value = stamps.digest_files(catalogues)
    compiled = all(catalogue.with_suffix(".mo").exists() for catalogue in catalogues)
    if compiled and stamps.is_current(stamps.in_var("catalogues"), value):
        return False
    for domain in sorted({catalogue.stem for catalogue in catalogues}):
        pybabel: list[str | Path] = [environment.VENV / "bin" / "pybabel", "--quiet", "compile"]
        programs.run("Translations", [*pybabel, "-d", "locale", "-D", domain])
    stamps.write(stamps.in_var("catalogues"), value)
    return True


def collect_static_files(region: str) -> bool:
    """Gather, name by content and compress every static file.

    Returns:
        Whether something was to gather.
    """
    value = stamps.digest_files([*stamps.tree(paths.REPOSITORY / "static"), python_packages.RUNTIME_LOCK])
    collected = paths.var_dir() / "static"
    if (collected / "staticfiles.json").exists() and stamps.is_current(stamps.in_var("static"), value):
        return False
    command = [str(environment.project_python()), "manage.py", "collectstatic", "--no-input", "--clear", "-v", "0"]
    programs.run("Static files", command, environment=environment.process_environment(region))
    stamps.write(stamps.in_var("static"), value)
    return True

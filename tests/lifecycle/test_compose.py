"""docker-compose.yml has the parts of the platform, each pinned and each with a way to tell whether it is well."""

import re

import pytest
import yaml
from jsonschema import Draft202012Validator

from bioccia.lifecycle.paths import REPOSITORY

# The keys of the Compose specification this file may use, and their shapes.
TEXT_OR_LIST = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image"],
    "properties": {
        "image": {"type": "string", "pattern": r"^[a-z0-9./-]+:[A-Za-z0-9.-]+$"},
        "build": {"type": "string"},
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "command": TEXT_OR_LIST,
        "ports": {"type": "array", "items": {"type": "string"}},
        "volumes": {"type": "array", "items": {"type": "string"}},
        "shm_size": {"type": "string"},
        "stop_grace_period": {"type": "string"},
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["condition"],
                "additionalProperties": False,
                "properties": {
                    "condition": {"enum": ["service_started", "service_healthy", "service_completed_successfully"]}
                },
            },
        },
        "healthcheck": {
            "type": "object",
            "required": ["test", "interval", "timeout", "retries"],
            "additionalProperties": False,
            "properties": {
                "test": {"type": "array", "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}]},
                "interval": {"type": "string"},
                "timeout": {"type": "string"},
                "start_period": {"type": "string"},
                "retries": {"type": "integer"},
            },
        },
    },
}
COMPOSE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["services"],
    "patternProperties": {"^x-": {}},
    "properties": {
        "name": {"type": "string"},
        "services": {"type": "object", "additionalProperties": SERVICE},
        "volumes": {"type": "object", "additionalProperties": {"type": ["object", "null"]}},
    },
}
LONG_RUNNING = {"database", "broker", "web", "worker", "beat"}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))


def test_the_file_has_the_shape_that_compose_reads(compose):
    errors = Draft202012Validator(COMPOSE).iter_errors(compose)
    assert [f"{'/'.join(map(str, error.path))}: {error.message}" for error in errors] == []


def test_every_part_that_runs_has_a_health_check(compose):
    assert compose["services"].keys() >= LONG_RUNNING
    assert [name for name in LONG_RUNNING if "healthcheck" not in compose["services"][name]] == []


def test_images_are_pinned_by_an_exact_version(compose):
    tags = [service["image"].partition(":")[2] for service in compose["services"].values()]
    assert [tag for tag in tags if not re.match(r"\d+[.-]\d", tag)] == []
    bases = re.findall(r"^FROM (\S+)", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    assert [base for base in bases if not re.search(r":\d+\.\d+\.\d+", base)] == []


def test_volumes_and_dependencies_are_declared(compose):
    for service in compose["services"].values():
        assert {volume.partition(":")[0] for volume in service.get("volumes", [])} <= compose["volumes"].keys()
        assert service.get("depends_on", {}).keys() <= compose["services"].keys()

import pytest

from bioccia.lifecycle import debian
from bioccia.lifecycle.errors import LifecycleError

ABSENT = debian.SystemPart("Redis 6 or newer", lambda: False, ("redis-server",))


def test_what_is_here_is_not_installed_again():
    assert debian.ensure([debian.SystemPart("a shell", lambda: True, ("no-such-package",))]) is False


def test_elsewhere_than_debian_12_each_missing_part_is_named(monkeypatch):
    monkeypatch.setattr(debian, "is_debian_12", lambda: False)
    with pytest.raises(LifecycleError, match=r"Missing on this system: Redis 6 or newer. .*redis-server"):
        debian.ensure([ABSENT])


def test_without_root_the_command_to_run_is_given(monkeypatch):
    monkeypatch.setattr(debian, "is_debian_12", lambda: True)
    monkeypatch.setattr(debian.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(debian, "can_use_sudo", lambda: False)
    with pytest.raises(LifecycleError, match="Run as root: apt-get install --no-install-recommends redis-server"):
        debian.ensure([ABSENT])


def test_an_address_in_the_environment_makes_the_private_part_needless(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgis://somewhere/bioccia")
    monkeypatch.setenv("REDIS_URL", "redis://somewhere")
    assert debian.for_services() == ()

"""Two whole years with invented people and real workers: released, learned from, and the same through every death."""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, connection

from bioccia.lifecycle.paths import REPOSITORY
from feedback.demonstration import Stage, play_demonstration
from feedback.models import Cycle, CycleEntry, Release, Report
from feedback.states import CYCLE_ORDER, OPEN_STATES, ReleaseState, ReportState
from habitats.models import Correction, Vintage
from habitats.states import VintageState
from ml.models import ModelVersion
from tests.regions import simulated_folder

pytestmark = [pytest.mark.service, pytest.mark.slow]
PATIENCE_SECONDS = 900
DEATHS = 10
# Another number has the parts die in another order, at other moments.
SEED = int(os.environ.get("BIOCCIA_TEST_DEATHS", "11"))


@pytest.fixture
def folder(tmp_path_factory):
    return simulated_folder(tmp_path_factory, size_px=320)


@pytest.fixture(autouse=True)
def empty_shelves(broker):
    """Releases and what reviewers have seen belong to one database."""
    forget_files()
    yield
    forget_files()


def forget_files():
    for name in ("releases", "simulated"):
        shutil.rmtree(settings.FILES_DIR / name, ignore_errors=True)


def test_two_years_are_contested_corrected_learned_from_and_released(worker, folder):
    told = []
    answer = play_demonstration(Stage(say=told.append, folder=folder))

    assert list(answer["releases"]) == ["2024.0", "2025.0"]
    assert all(answer["releases"].values())
    assert [cycle.entries.count() for cycle in Cycle.objects.all()] == [len(CYCLE_ORDER) - 1] * 2
    assert not Report.objects.filter(state__in=OPEN_STATES, round__year__in=(2024, 2025), release=None).filter(
        round__name__in=("M1", "M2")
    )
    integrated = Report.objects.filter(state=ReportState.INTEGRATED)
    assert {str(report.release) for report in integrated.select_related("release")} == {"2024.0", "2025.0"}
    assert Correction.objects.filter(vintage__year=2024).exists()

    # The model of the second year has learned from the reports of the first, and its map is the better for it.
    second = ModelVersion.objects.filter(year=2025).latest("number")
    assert second.training_set.counts["from_reports"]["samples"] > 0
    for year in ("2024", "2025"):
        assert answer["gain"][year]["released"] > answer["gain"][year]["drawn"]

    again = play_demonstration(Stage(say=told.append, folder=folder))
    assert again["releases"] == answer["releases"]
    assert Release.objects.filter(state=ReleaseState.PUBLISHED).count() == 2
    assert Vintage.objects.filter(state=VintageState.PUBLISHED).count() == 2


class Driver:
    """`play_demonstration` as its own process, started again until it has played to the end."""

    def __init__(self, folder, log):
        self.command = [sys.executable, "manage.py", "play_demonstration", "--folder", str(folder)]
        self.log = log
        self.process = None
        self.start()

    def start(self):
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(REPOSITORY)}
        with self.log.open("w") as stream:
            self.process = subprocess.Popen(
                self.command, cwd=REPOSITORY, env=environment, stdout=stream, stderr=subprocess.STDOUT
            )

    def has_played(self):
        """Whether it is done; one that fell with a part of the platform is started again."""
        code = self.process.poll()
        if code not in (None, 0):
            time.sleep(0.5)
            self.start()
        return code == 0

    def kill(self):
        self.process.kill()
        self.process.wait()


def play_through(folder, log, disturb):
    driver = Driver(folder, log)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not driver.has_played():
        disturb(driver)
        if time.monotonic() > deadline:
            driver.kill()
            pytest.fail(log.read_text()[-3000:])
        time.sleep(0.2)
    return json.loads(log.read_text().splitlines()[-1])["releases"]


class Death:
    """Kills one part after the other at moments that a seed chose."""

    def __init__(self, worker, parts, web):
        self.draws = random.Random(SEED)
        self.left = [self.kill_worker, self.kill_children, self.kill_broker, self.kill_database, self.kill_web] * 2
        self.draws.shuffle(self.left)
        self.worker, self.parts, self.web = worker, parts, web
        self.next_at = time.monotonic() + 3
        self.done = []

    def __call__(self, driver):
        for program in (self.worker, self.worker.beat, self.web):
            program.keep()
        if not self.left or time.monotonic() < self.next_at:
            return
        kill = self.left.pop()
        kill(driver)
        self.done.append(kill.__name__)
        self.next_at = time.monotonic() + self.draws.uniform(2, 9)

    def kill_worker(self, _driver):
        self.worker.kill()
        self.worker.start()

    def kill_children(self, driver):
        for pid in self.worker.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)

    def kill_broker(self, _driver):
        self.parts.kill_broker()
        self.parts.revive()

    def kill_database(self, _driver):
        self.parts.kill_database()
        connection.close()
        self.parts.revive()

    def kill_web(self, driver):
        self.web.kill()
        self.web.start()
        driver.kill()


def nothing_happens(_driver):
    """An undisturbed play."""


def skip_numbers():
    """Primary keys begin elsewhere, as after transactions that were undone: no release may tell."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences WHERE schemaname = 'public'")
        for rank, (sequence,) in enumerate(cursor.fetchall()):
            cursor.execute("SELECT setval(%s::regclass, %s)", [sequence, 3571 + 37 * rank])


def test_ten_deaths_in_the_year_leave_the_same_releases_once(worker, parts, live_web_program, folder, tmp_path):
    expected = play_through(folder, Path(tmp_path, "undisturbed.log"), nothing_happens)
    programs = (worker, worker.beat, live_web_program)
    for program in programs:  # what the first play left to do must not go on under the flush
        program.kill()
    call_command("flush", interactive=False)
    skip_numbers()
    forget_files()
    parts.empty_broker()
    for program in programs:
        program.start()

    death = Death(worker, parts, live_web_program)
    found = play_through(folder, Path(tmp_path, "disturbed.log"), death)

    with contextlib.suppress(DatabaseError, InterfaceError):
        connection.close()
    assert len(death.done) == DEATHS, f"the year was over after {death.done}"
    assert found == expected
    assert Release.objects.filter(state=ReleaseState.PUBLISHED).count() == 2
    assert CycleEntry.objects.count() == 2 * (len(CYCLE_ORDER) - 1)

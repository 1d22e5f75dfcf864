"""Actions of a release: thresholds, dossier, two signatures, withdrawal, erratum."""

import json
import threading
import time

import pyogrio
import pytest
from django.db import connection, transaction

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from feedback import actions
from feedback.actions.checks import require_vintage
from feedback.actions.dossier import write_dossier
from feedback.errors import DossierChangedError, GateClosedError
from feedback.models import Decision, Release, ReleaseSignature, ReleaseThresholds, Report
from feedback.queries.releases import latest_release, next_number, release_before
from feedback.release_folders import folder_of
from feedback.states import DecisionResult, ReasonCode, ReleaseState, ReportState
from habitats.models import BoundCorrection, Polygon, Vintage
from habitats.states import BindingOutcome, VintageState
from ml.compute.publishing import verify
from ml.errors import RunOpenError
from ml.models import PredictorLayer, Run
from ml.states import RunKind, RunState
from territories.states import Role
from tests import factories
from tests.factories.ground import AN_INSTANT
from tests.releases import (
    DAY,
    administrators,
    correct,
    dropped_correction,
    published_release,
    ready_map,
    signed_release,
)

pytestmark = pytest.mark.django_db(transaction=True)
LATER = AN_INSTANT + 3 * DAY


@pytest.fixture
def vintage(tmp_path, settings):
    settings.FILES_DIR = tmp_path / "files"
    return ready_map(tmp_path / "map")


@pytest.fixture
def people():
    return administrators()


def prepare(vintage, by, **options):
    return actions.prepare_release(vintage=vintage, by=by, at=LATER, **options)


def sign(release, by, **options):
    return actions.sign_dossier(
        **{"release": release, "by": by, "dossier_sha256": release.dossier_sha256, "at": LATER, **options}
    )


def test_what_a_training_cost_is_no_part_of_what_is_signed(tmp_path, settings):
    settings.FILES_DIR = tmp_path / "files"
    vintage = ready_map(tmp_path / "map")
    found = []
    for seconds in (1.0, 2.0):
        vintage.version.parameters = {"trees": 100, "candidates": [{"cpu_seconds_per_million_cells": seconds}]}
        vintage.version.save()
        found.append(write_dossier(vintage, number=0, acknowledged=0)["model"]["parameters"])
    assert found == [{"trees": 100}] * 2


def test_thresholds_are_fixed_before_the_map_and_by_who_releases(people):
    region = factories.RegionFactory()
    facts = {"region": region, "year": 2024, "overall_accuracy": 0.8, "macro_f1": 0.6, "at": AN_INSTANT}
    actions.fix_thresholds(**facts, by=people[0])
    actions.fix_thresholds(**{**facts, "macro_f1": 0.7}, by=people[1])
    assert ReleaseThresholds.objects.get().macro_f1 == 0.7
    with pytest.raises(InvalidFieldsError) as refusal:
        actions.fix_thresholds(**{**facts, "overall_accuracy": 80}, by=people[0])
    assert set(refusal.value.fields) == {"overall_accuracy"}
    with pytest.raises(NotAllowedError):
        actions.fix_thresholds(**facts, by=factories.person_with(Role.MODEL_ENGINEER))
    factories.RunFactory(region=region, year=2024, failed=True)
    with pytest.raises(StateForbidsError):
        actions.fix_thresholds(**facts, by=people[0])


def test_a_dossier_says_all_that_two_people_sign_and_its_hash_is_of_that_alone(vintage, people):
    release = prepare(vintage, people[0])
    assert (str(release), release.state) == ("2024.0", ReleaseState.PREPARED)
    assert {line["state"] for line in release.dossier["gate"]} == {"holds"}
    assert release.dossier["map"]["polygons"] == 4
    assert release.dossier["licence"] == "Licence Ouverte 2.0"
    again = actions.prepare_release(vintage=vintage, by=people[1], at=LATER + DAY)
    assert again.pk == release.pk
    assert again.dossier_sha256 == release.dossier_sha256


def test_a_gate_that_blocks_lets_no_dossier_through(vintage, people):
    ReleaseThresholds.objects.update(overall_accuracy=0.99)
    with pytest.raises(GateClosedError, match=r"0,990"):
        prepare(vintage, people[0])
    assert not Release.objects.exists()


def test_dropped_corrections_must_be_acknowledged(vintage, people):
    dropped_correction(vintage)
    with pytest.raises(GateClosedError):
        prepare(vintage, people[0])
    release = prepare(vintage, people[0], acknowledges_dropped=True)
    assert release.dossier["acknowledged_dropped"] == 1
    assert release.dossier["corrections"]["dropped"][0]["year"] == 2023


def test_two_people_of_two_services_sign_and_the_second_signature_asks_for_the_publication(vintage, people):
    release = prepare(vintage, people[0])
    assert sign(release, people[0]).state == ReleaseState.PREPARED
    signed = sign(release, people[1])
    assert signed.state == ReleaseState.SIGNED
    assert (signed.run.kind, signed.run.state) == (RunKind.PUBLICATION, RunState.QUEUED)
    assert signed.run.requested_by == people[1]
    assert ReleaseSignature.objects.count() == 2
    assert actions.request_publication(release=signed, at=LATER).run == signed.run


def test_nobody_signs_twice_nor_two_of_one_service_nor_without_a_service(vintage, people):
    release = prepare(vintage, people[0])
    sign(release, people[0])
    colleague = factories.person_with(Role.RELEASE_ADMINISTRATOR)
    for person in (people[0], colleague):
        with pytest.raises(NotAllowedError):
            sign(release, person)
    colleague.organisation = people[0].organisation
    colleague.save()
    with pytest.raises(NotAllowedError, match=people[0].organisation.name):
        sign(release, colleague)
    assert ReleaseSignature.objects.count() == 1


@pytest.mark.parametrize("role", [role for role in Role if role != Role.RELEASE_ADMINISTRATOR])
def test_only_a_release_administrator_of_the_whole_region_acts(vintage, people, role):
    release = prepare(vintage, people[0])
    strangers = [factories.person_with(role), factories.UserFactory()]
    strangers.append(factories.person_with(Role.RELEASE_ADMINISTRATOR, factories.TerritoryFactory(department=True)))
    for person in strangers:
        person.organisation = factories.OrganisationFactory()
        for act in (
            lambda person=person: prepare(vintage, person),
            lambda person=person: sign(release, person),
            lambda person=person: actions.abandon_release(release=release, by=person, reason="", at=LATER),
            lambda person=person: actions.withdraw_release(release=release, by=person, reason="x", at=LATER),
            lambda person=person: actions.open_erratum(release=release, by=person, at=LATER),
        ):
            with pytest.raises(NotAllowedError):
                act()


def test_a_hash_that_is_not_the_one_shown_is_not_signed(vintage, people):
    release = prepare(vintage, people[0])
    with pytest.raises(DossierChangedError):
        sign(release, people[0], dossier_sha256="0" * 64)


def test_what_changed_since_the_dossier_is_named_and_nothing_is_signed(vintage, people):
    release = prepare(vintage, people[0])
    sign(release, people[0])
    correct(vintage, 1, "J1.1")
    with pytest.raises(DossierChangedError, match=r"(?i)polygon"):
        sign(release, people[1])
    again = prepare(vintage, people[1])
    assert again.pk == release.pk
    assert again.dossier_sha256 != release.dossier_sha256
    assert not again.signatures.exists()


def test_a_report_that_came_in_since_is_named(vintage, people):
    release = prepare(vintage, people[0])
    factories.ReportFactory(round=vintage.region.rounds.get(), state=ReportState.SUBMITTED)
    with pytest.raises(DossierChangedError, match=r"(?i)report|signalement"):
        sign(release, people[0])


def test_the_second_signature_waits_for_a_run_that_is_open(vintage, people):
    release = prepare(vintage, people[0])
    sign(release, people[0])
    factories.RunFactory(region=vintage.region, running=True)
    with pytest.raises((RunOpenError, DossierChangedError)):
        sign(release, people[1])
    assert Release.objects.get().state == ReleaseState.PREPARED


def test_an_abandoned_release_leaves_its_number_free(vintage, people):
    release = signed_release(vintage)
    with pytest.raises(StateForbidsError):
        actions.abandon_release(release=release, by=people[0], reason="", at=LATER)  # its run is open
    Run.objects.update(state=RunState.FAILED)
    actions.abandon_release(release=release, by=people[0], reason="Une erreur.", at=LATER)
    again = prepare(vintage, people[0])
    assert (str(again), again.pk != release.pk) == ("2024.0", True)


def test_a_failed_publication_is_started_again_by_who_releases(vintage, people):
    from ml.actions import requeue_run

    release = signed_release(vintage)
    Run.objects.update(state=RunState.FAILED)
    with pytest.raises(NotAllowedError):
        requeue_run(run=Run.objects.get(pk=release.run_id), by=factories.person_with(Role.MODEL_ENGINEER), at=LATER)
    run = requeue_run(run=Run.objects.get(pk=release.run_id), by=people[0], at=LATER)
    assert run.state == RunState.QUEUED


def test_at_publication_accepted_reports_are_integrated(vintage):
    report = factories.ReportFactory(round=vintage.region.rounds.get(), state=ReportState.ACCEPTED, vintage=vintage)
    signer = factories.UserFactory()
    Decision.objects.create(
        report=report,
        outcome=ReportState.ACCEPTED,
        result=DecisionResult.ERROR_TO_CORRECT,
        reason_code=ReasonCode.CONFUSED_HABITATS,
        reply="Corrigé.",
        proposed_by=signer,
        proposed_at=AN_INSTANT,
        signed_by=signer,
        signed_at=AN_INSTANT,
        correction=correct(vintage, 1, "J1.1"),
    )
    release = published_release(vintage)
    report = Report.objects.get(pk=report.pk)
    assert (report.state, report.release) == (ReportState.INTEGRATED, release)


def test_an_erratum_continues_from_the_published_map_and_takes_its_place(vintage, people):
    correct(vintage, 1, "J1.1")
    first = published_release(vintage)
    copy = actions.open_erratum(release=first, by=people[0], at=LATER)
    assert (copy.state, copy.year, copy.run) == (VintageState.WORKING, 2024, None)
    columns = ("number", "version", "habitat_type", "area_m2", "geometry", "geometry_3857")
    assert list(Polygon.objects.filter(vintage=copy).values_list(*columns)) == list(
        Polygon.objects.filter(vintage=vintage).values_list(*columns)
    )
    assert BoundCorrection.objects.get(vintage=copy).outcome == BindingOutcome.BOUND
    with pytest.raises(StateForbidsError):
        actions.open_erratum(release=first, by=people[0], at=LATER)  # one working map at a time
    correct(copy, 4, "G1.1")
    second = published_release(copy)
    first.refresh_from_db()
    assert (str(second), str(release_before(second))) == ("2024.1", "2024.0")
    assert (first.state, first.ended_reason) == (ReleaseState.SUPERSEDED, "2024.1")
    assert latest_release(2024) == second
    assert Vintage.objects.get(pk=vintage.pk).state == VintageState.REPLACED
    assert verify.verify_folder(folder_of(second))["changes"] == 1
    assert verify.verify_folder(folder_of(first))["changes"] == 0  # its files are as they were
    assert PredictorLayer.objects.published_maps(2024).filter(file__contains="2024.1").count() == 2


def test_a_withdrawn_release_says_why_hides_its_map_and_can_have_an_erratum(vintage, people):
    release = published_release(vintage)
    with pytest.raises(InvalidFieldsError):
        actions.withdraw_release(release=release, by=people[0], reason="  ", at=LATER)
    withdrawn = actions.withdraw_release(release=release, by=people[0], reason="Légende fausse.", at=LATER)
    assert (withdrawn.state, withdrawn.ended_reason) == (ReleaseState.WITHDRAWN, "Légende fausse.")
    assert not Vintage.objects.published().exists()
    assert not PredictorLayer.objects.published_maps(2024).exists()
    with pytest.raises(StateForbidsError):
        actions.withdraw_release(release=release, by=people[0], reason="Encore.", at=LATER)
    copy = actions.open_erratum(release=release, by=people[0], at=LATER)
    assert str(published_release(copy)) == "2024.1"


def test_what_is_not_published_is_neither_withdrawn_nor_copied(vintage, people):
    release = prepare(vintage, people[0])
    with pytest.raises(StateForbidsError):
        actions.withdraw_release(release=release, by=people[0], reason="Non.", at=LATER)
    with pytest.raises(StateForbidsError):
        actions.open_erratum(release=release, by=people[0], at=LATER)
    assert next_number(vintage.region, 2024) == 1
    assert next_number(vintage.region, 2023) == 0


def test_a_release_says_what_changed_since_the_year_before(vintage, tmp_path):
    from tests.ml.compute.tiny_releases import quarters

    first = published_release(vintage)
    values = quarters()
    values[0:10, 0:10] = 4
    second = published_release(ready_map(tmp_path / "next", year=2025, values=values))
    assert (str(first), str(second)) == ("2024.0", "2025.0")
    assert verify.verify_folder(folder_of(second))["changes"] == 1
    fates = pyogrio.read_dataframe(folder_of(second) / verify.CHANGES, layer="lineage")
    told = fates[["from_polygon", "to_polygon", "relation", "from_code", "to_code"]].to_numpy().tolist()
    # The new square took a quarter of the first polygon: what is left of it is the same ground, with less of it.
    assert told[0][:3] in ([1, 1, "split"], [1, 2, "split"])
    assert [row[2] for row in told].count("same") == 3
    assert fates["stable_id"].dropna().astype(int).tolist() == [2, 3, 4]
    none = pyogrio.read_dataframe(folder_of(first) / verify.CHANGES, layer="lineage")
    assert none.empty
    said = json.loads((folder_of(second) / verify.ACCURACY).read_text())
    assert said["changes"]["lineage"] == {"same": 3, "split": 2}


def test_no_dossier_is_prepared_while_a_draft_may_still_be_sent(vintage, people):
    vintage.region.rounds.update(grace_ends_at=LATER + DAY)
    with pytest.raises(GateClosedError):
        prepare(vintage, people[0])
    assert actions.prepare_release(vintage=vintage, by=people[0], at=LATER + DAY).state == ReleaseState.PREPARED


def test_a_report_being_sent_at_the_moment_of_publication_stops_it(vintage):
    release, round_ = signed_release(vintage), factories.RoundFactory(region=vintage.region, year=vintage.year)
    is_sent, may_end, answers = threading.Event(), threading.Event(), []

    def send():
        with transaction.atomic():
            require_vintage(round_)
            factories.ReportFactory(round=round_, state=ReportState.SUBMITTED)
            is_sent.set()
            may_end.wait(20)
        connection.close()

    def publish():
        try:
            actions.publish_release(release=release, files=[], content_sha256="a" * 64, layers={}, at=LATER)
        except StateForbidsError as error:
            answers.append(error.code)
        finally:
            connection.close()

    sender, publisher = threading.Thread(target=send), threading.Thread(target=publish)
    sender.start()
    assert is_sent.wait(20)
    publisher.start()
    wait_for_a_lock()
    may_end.set()
    for thread in (sender, publisher):
        thread.join()
    assert answers == ["state_forbids"]
    release.refresh_from_db()
    assert release.state == ReleaseState.SIGNED


def wait_for_a_lock():
    """Until somebody waits for a row that somebody else holds."""
    for _attempt in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")

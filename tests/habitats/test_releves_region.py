import pytest
from django.utils import timezone

from habitats.importers.region_folder import import_region_folder
from habitats.models import Releve, Sample
from habitats.queries import releves_waiting_for
from habitats.states import ReleveState, Resolution
from ml.compute.simulation import SimulationOptions, simulate_region
from territories.models import Territory
from territories.states import Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("region-of-releves") / "region"
    return simulate_region(folder, options=SimulationOptions(seed=3, size_px=120, years=(2024, 2025), date_count=1))


def test_the_releves_of_a_region_folder_come_in_and_wait_for_a_validator(simulated):
    now = timezone.now()
    report = import_region_folder(simulated, at=now)
    assert report.releves == {"2024.csv": 80, "2025.csv": 80}
    assert set(Releve.objects.values_list("state", "level", "author")) == {(ReleveState.SUBMITTED, 0, None)}
    assert not Releve.objects.exclude(determinations__resolution=Resolution.EXACT).exists()
    assert not Sample.objects.filter(key__startswith="releve:").exists()
    validator = factories.person_with(Role.VALIDATOR, Territory.objects.get(kind="region"))
    validator.organisation = factories.OrganisationFactory()
    validator.save()
    assert releves_waiting_for(validator, on=now.date()).count() == 160
    assert import_region_folder(simulated, at=now).releves == report.releves
    assert Releve.objects.count() == 160


def test_a_folder_without_releves_says_so(simulated, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    for part in simulated.iterdir():
        if part.name != "releves":
            (bare / part.name).symlink_to(part)
    report = import_region_folder(bare, at=timezone.now())
    assert report.releves == {}
    assert any("relev" in notice for notice in report.notices)

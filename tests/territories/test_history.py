import pytest

from territories.models import Mandate
from tests.factories import A_DAY, MandateFactory

pytestmark = pytest.mark.django_db


def test_what_a_mandate_was_before_each_change_is_kept():
    mandate = MandateFactory(reviewer=True)
    assert not Mandate.pgh_event_model.objects.exists()
    Mandate.objects.filter(pk=mandate.pk).update(ends_on=A_DAY)
    mandate.delete()
    kept = Mandate.pgh_event_model.objects.order_by("pgh_id").values_list("pgh_label", "ends_on", "role")
    assert list(kept) == [("update", None, "reviewer"), ("delete", A_DAY, "reviewer")]

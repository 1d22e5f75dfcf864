import socket

import pytest

from ml.compute.energy import Meter, grams_per_watt_hour, watts_per_thread


def test_a_run_is_measured_without_any_network(monkeypatch):
    def refuse(*_args):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    grams_per_watt_hour.cache_clear()
    watts_per_thread.cache_clear()
    with Meter() as meter:
        sum(range(3_000_000))
    measures = meter.as_json()
    assert measures["energy_method"] == "estimated"
    assert measures["cpu_seconds"] > 0
    assert meter.energy_wh >= meter.cpu_seconds * watts_per_thread() / 3600
    assert meter.emissions_g == pytest.approx(meter.energy_wh * grams_per_watt_hour())
    assert measures["peak_rss_mb"] > 10


def test_a_run_that_fails_is_measured_too():
    meter = Meter()
    with pytest.raises(KeyError), meter:
        raise KeyError
    assert meter.seconds > 0

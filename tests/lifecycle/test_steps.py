import threading

import pytest

from bioccia.lifecycle.errors import LifecycleError
from bioccia.lifecycle.steps import Step, run_steps


def test_steps_run_side_by_side_and_wait_for_those_they_name(capsys):
    together = threading.Barrier(2, timeout=10)
    order = []
    run_steps(
        [
            Step("last", lambda: order.append("last"), after=("left", "right")),
            Step("left", together.wait),
            Step("right", together.wait),
        ]
    )
    assert order == ["last"]
    assert "left: 0." in capsys.readouterr().out


def test_a_step_with_nothing_to_do_says_so(capsys):
    run_steps([Step("packages", lambda: False)])
    assert "(nothing to do)" in capsys.readouterr().out


def test_a_failing_step_stops_those_that_wait_for_it():
    def fail():
        raise LifecycleError("no archive")

    with pytest.raises(LifecycleError, match="no archive"):
        run_steps([Step("first", fail), Step("second", lambda: pytest.fail("it ran"), after=("first",))])


def test_a_step_need_not_wait_for_one_that_is_not_asked():
    ran = []
    run_steps([Step("alone", lambda: ran.append(1), after=("elsewhere",))])
    assert ran == [1]

import sys

from bioccia.lifecycle import check
from bioccia.lifecycle.errors import LifecycleError


def test_every_guard_is_asked_and_those_that_find_something_are_named(capsys):
    def break_down():
        raise LifecycleError("xgettext is missing")

    guards = [
        check.Guard("breaks down", break_down),
        check.Guard("finds", check.tool(sys.executable, "-c", "print('line 3 is long'); raise SystemExit(1)")),
        check.Guard("is content", check.tool(sys.executable, "-c", "")),
    ]
    assert check.check(guards) == ["breaks down", "finds"]
    told = capsys.readouterr().out
    assert "xgettext is missing" in told
    assert "line 3 is long" in told
    assert "ok  is content" in told

"""Run every scenario of the chaos program a few times, and each check once so that it must fail.

`make chaos` runs them at full size.
"""

import random
import sys

import pytest

from chaos.environment import open_lab
from chaos.model import Size
from chaos.scenarios import SCENARIOS
from devtools.checkout import Skip

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the harness reads /proc")
each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)


@pytest.fixture(scope="module")
def lab(programs):
    with open_lab(programs) as lab:
        yield lab


def called(function, *values):
    try:
        return function(*values)
    except Skip as reason:
        return pytest.skip(str(reason))


@each_scenario
def test_no_promise_is_broken(lab, scenario):
    result = called(scenario.run, lab, Size.QUICK, random.Random(f"1 {scenario.name}"))
    assert result.violations == ()
    assert result.trials > 0
    assert result.faults > 0


@each_scenario
def test_promise_that_is_broken_is_noticed(lab, scenario):
    assert called(scenario.control, lab, random.Random(f"1 {scenario.name}"))

import pytest

from pgbraid.model.units import parse_duration, timeout_literal


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *((0, 0.0), (2, 2.0), (0.5, 0.5), ("0", 0.0), ("2", 2.0), (".5", 0.5), ("1.", 1.0)),
        *(("500ms", 0.5), (" 10 min ", 600.0), ("1h", 3600.0), ("2d", 172800.0), ("5us", 5e-6)),
        *((True, None), (None, None), (-1, None), ("", None), ("s", None), ("-1s", None)),
        *(("1m", None), ("1 S", None), ("1s 2s", None), (float("inf"), None), (float("nan"), None)),
        *(("25d", None), ("24d", 2073600.0), ("1e3", None), ("٣s", None)),
    ],
)
def test_span_is_seconds_or_none(value, seconds):
    assert parse_duration(value) == (pytest.approx(seconds) if seconds is not None else None)


@pytest.mark.parametrize(
    ("seconds", "value"), [(0, "'0ms'"), (0.5, "'500ms'"), (1e-9, "'1ms'"), (3600, "'3600000ms'")]
)
def test_positive_span_does_not_become_zero(seconds, value):
    assert timeout_literal(seconds) == value

import pytest

from pgbraid.model.errors import ConfigError
from pgbraid.model.hazards.sizes import DEFAULT_RATES, Rates
from pgbraid.settings.settings import Settings
from pgbraid.settings.settings_file import find_settings
from pgbraid.settings.sizes_path import sizes_file_of


def settings_of(tmp_path, text):
    path = tmp_path / "pgbraid.toml"
    path.write_text(text)
    return find_settings(str(path))


def test_without_file_hazards_are_not_measured_in_up():
    settings = Settings()
    assert (settings.hazards, settings.hazard_warn, settings.hazard_error) == ("off", 1.0, 10.0)
    assert (settings.rates, settings.hazards_from, settings.hazard_severity) == (None, None, ())


def test_settings_of_hazards_are_read(tmp_path):
    settings = settings_of(
        tmp_path,
        """
        hazards = "refuse"
        hazard-warn = "500ms"
        hazard_error = "1min"
        hazards_from = "0103"
        hazard_severity = { lock-upgrade = "off", cascade = "error" }
        [rates]
        write = 100_000
        foreign-key = 2e6
        """,
    )
    assert (settings.hazards, settings.hazard_warn, settings.hazard_error) == ("refuse", 0.5, 60.0)
    assert settings.hazards_from == 103
    assert dict(settings.hazard_severity) == {"lock-upgrade": "off", "cascade": "error"}
    assert settings.rates == Rates(write=100_000.0, foreign_key=2e6)
    assert settings.rates.scan == DEFAULT_RATES.scan
    assert hash(settings)


def test_values_of_settings_are_accepted_by_override():
    settings = Settings().override(rates=Rates(write=1.0), hazard_severity={"cascade": "off"})
    again = Settings().override(rates=settings.rates, hazard_severity=settings.hazard_severity)
    assert again == settings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hazards = 'on'", "hazards must be off, warn or refuse, not 'on'"),
        ("hazard_warn = 'soon'", "hazard_warn must be a number"),
        ("hazard_error = -1", "hazard_error must be a number"),
        ("hazard_error = 0.5", "hazard_error (0.5 s) is below hazard_warn (1 s)"),
        ("sizes = ''", "sizes is empty"),
        ("queries = 1", "queries must be text, not 1"),
        ("hazards_from = true", "hazards_from must be a version, such as 103, not True"),
        ("hazards_from = -1", "hazards_from must be a version, such as 103, not -1"),
        ("hazards_from = '1_a'", "hazards_from must be a version, such as 103, not '1_a'"),
        (f"hazards_from = '{'9' * 19}'", "hazards_from must be a version, such as 103, not '999"),
        (f"hazards_from = '{'9' * 5000}'", "hazards_from must be a version, such as 103, not '999"),
        ("hazard_severity = 'off'", "hazard_severity must be a table of rules, not 'off'"),
        (
            "hazard_severity = { cascade = 'high' }",
            "hazard_severity.cascade must be off, notice, warning or error, not 'high'",
        ),
        (
            "hazard_severity = { cascade = ['off'] }",
            "hazard_severity.cascade must be off, notice, warning or error, not ['off']",
        ),
        ("rates = 5", "rates must be a table of rewrite, scan, index, slow_index, foreign_key,"),
        ("rates = { read = 5 }", "'read' is not a rate"),
        ("rates = { write = 'fast' }", "rates.write must be a number, not 'fast'"),
        ("rates = { write = true }", "rates.write must be a number, not True"),
        ("rates = { write = 0 }", "rates.write must be a number above 0, not 0"),
        ("rates = { write = -1.5 }", "rates.write must be a number above 0, not -1.5"),
        ("rates = { write = nan }", "rates.write must be a number above 0, not nan"),
        ("rates = { write = inf }", "rates.write must be a number above 0, not inf"),
    ],
)
def test_wrong_value_is_an_error_with_file(tmp_path, text, message):
    with pytest.raises(ConfigError) as raised:
        settings_of(tmp_path, text)
    assert message in raised.value.message
    assert "pgbraid.toml" in raised.value.message


def test_named_files_count_from_settings_file(tmp_path):
    settings = settings_of(tmp_path, 'sizes = "a/sizes.json"\nqueries = "q.sql"')
    assert settings.sizes == str(tmp_path / "a" / "sizes.json")
    assert settings.queries == str(tmp_path / "q.sql")
    assert sizes_file_of(settings) == settings.sizes


def test_sizes_file_beside_settings_file_goes_before_current_folder(tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    settings = settings_of(tmp_path, "")
    assert sizes_file_of(settings) is None
    assert sizes_file_of(Settings()) is None
    (here / "pgbraid.sizes.json").write_text("{}")
    assert sizes_file_of(settings) == "pgbraid.sizes.json"
    assert sizes_file_of(Settings()) == "pgbraid.sizes.json"
    (tmp_path / "pgbraid.sizes.json").write_text("{}")
    assert sizes_file_of(settings) == str(tmp_path / "pgbraid.sizes.json")

"""Settings from the environment and the working folder's .env."""

from datetime import timedelta
from pathlib import Path

import pytest

from monetization_pipeline.settings import SettingsError, load_settings


def test_nothing_set_means_the_sandbox_here(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    assert (settings.home, settings.first_month, settings.grace) == (tmp_path.resolve(), "2020-01", timedelta(days=1))
    assert (settings.stripe_mode, settings.stripe_api_key, settings.stripe_issue_zero) == ("sandbox", "", False)


def test_the_environment_wins_over_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MONETIZATION_GRACE_DAYS=3\nSTRIPE_MODE=test\n")
    settings = load_settings({"MONETIZATION_HOME": str(tmp_path), "STRIPE_MODE": "sandbox"}, Path("/nowhere"))
    assert (settings.grace, settings.stripe_mode) == (timedelta(days=3), "sandbox")


def test_an_address_of_a_webhook_does_not_show(tmp_path: Path) -> None:
    address = "https://hooks.example.com/very_secret"
    settings = load_settings({"MONETIZATION_WEBHOOK_URL": address}, tmp_path)
    assert settings.webhook_url == address
    assert "very_secret" not in repr(settings)
    with pytest.raises(SettingsError) as error:
        load_settings({"MONETIZATION_WEBHOOK_URL": "very_secret"}, tmp_path)
    assert "very_secret" not in str(error.value)


def test_the_sellers_zone_is_utc_or_what_is_set(tmp_path: Path) -> None:
    assert load_settings({}, tmp_path).time_zone == "UTC"
    assert load_settings({"MONETIZATION_TIME_ZONE": "Asia/Kolkata"}, tmp_path).time_zone == "Asia/Kolkata"


def test_the_key_does_not_show(tmp_path: Path) -> None:
    settings = load_settings({"STRIPE_API_KEY": "sk_test_very_secret"}, tmp_path)
    assert settings.stripe_api_key == "sk_test_very_secret"
    assert "very_secret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONETIZATION_FIRST_MONTH", "July"),
        ("MONETIZATION_GRACE_DAYS", "-1"),
        ("MONETIZATION_GRACE_DAYS", "1.5"),
        ("MONETIZATION_GRACE_DAYS", "9999"),
        ("MONETIZATION_LANDING_DAYS", "0"),
        ("MONETIZATION_REPLACED_DAYS", "0"),
        ("MONETIZATION_TIME_ZONE", "Berlin"),
        ("MONETIZATION_TIME_ZONE", "europe/berlin"),
        ("STRIPE_ISSUE_ZERO", "perhaps"),
        ("MONETIZATION_INGEST_CRON", "hourly"),
        ("MONETIZATION_FRESH_HOURS", "a day"),
        ("MONETIZATION_WEBHOOK_URL", "hooks.example.com"),
    ],
)
def test_a_value_without_meaning_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings({name: value}, tmp_path)

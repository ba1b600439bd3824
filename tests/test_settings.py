"""Settings from the environment and the working folder's .env."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.settings import SettingsError, load_settings


def test_nothing_set_means_the_sandbox_here(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    assert (settings.home, settings.first_month, settings.grace) == (tmp_path.resolve(), "2020-01", timedelta(days=1))
    assert (settings.account, settings.issue_zero) == (Account("stripe", "sandbox"), False)


def test_the_environment_wins_over_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MONETIZATION_GRACE_DAYS=3\nSTRIPE_MODE=test\n")
    settings = load_settings({"MONETIZATION_HOME": str(tmp_path), "STRIPE_MODE": "sandbox"}, Path("/nowhere"))
    assert (settings.grace, settings.account.mode) == (timedelta(days=3), "sandbox")


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
    assert settings.account.secret.get_secret_value() == "sk_test_very_secret"
    assert "very_secret" not in repr(settings)


def test_a_providers_settings_bear_its_name(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "MONETIZATION_PROVIDER": "paper",
            "PAPER_MODE": "test",
            "PAPER_API_KEY": "of_paper",
            "PAPER_API_BASE": "http://127.0.0.1:1",
            "STRIPE_MODE": "live",
        },
        tmp_path,
    )
    assert settings.account == Account("paper", "test", SecretStr("of_paper"), "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONETIZATION_FIRST_MONTH", "July"),
        ("MONETIZATION_FIRST_INVOICE_AT", "2025-1-1"),
        ("MONETIZATION_FIRST_INVOICE_AT", "2025-02-30"),
        ("MONETIZATION_FIRST_INVOICE_AT", "20250101"),
        ("MONETIZATION_FIRST_INVOICE_AT", "0025-01-01"),
        ("MONETIZATION_UNREADABLE_PERCENT", "1 %"),
        ("MONETIZATION_UNREADABLE_PERCENT", "101"),
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


#: Text of `.env` → line and setting, or what else is said of it.
WRITTEN = {
    "the first line": ("MONETIZATION_GRACE_DAYS=x\n", "1 (MONETIZATION_GRACE_DAYS): 'x' is not a whole number of days"),
    "below comments and empty lines": (
        "# days\n\n\nexport MONETIZATION_GRACE_DAYS = '-1' # or more\n",
        "4 (MONETIZATION_GRACE_DAYS): '-1' is not a whole number of days",
    ),
    "below a value of several lines": (
        'OTHER="a\nb"\nMONETIZATION_TIME_ZONE=Berlin\n',
        "3 (MONETIZATION_TIME_ZONE): 'Berlin' is not a time zone of the IANA database",
    ),
    "as Windows writes it": (
        "\ufeffOTHER=a\r\n\r\nMONETIZATION_FIRST_MONTH=July\r\n",
        "3 (MONETIZATION_FIRST_MONTH): ",
    ),
    "the last of two, which counts": (
        "STRIPE_ISSUE_ZERO=true\nOTHER=a\nSTRIPE_ISSUE_ZERO=perhaps\n",
        "3 (STRIPE_ISSUE_ZERO): 'perhaps' is neither true nor false",
    ),
    "a value that another one gives": (
        "OTHER=hourly\nMONETIZATION_INGEST_CRON=${OTHER}\n",
        "2 (MONETIZATION_INGEST_CRON): 'hourly' has not the five fields of a cron schedule",
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_value_without_meaning_in_the_folders_file_has_its_line(tmp_path: Path, name: str) -> None:
    text, said = WRITTEN[name]
    (tmp_path / ".env").write_bytes(text.encode())
    with pytest.raises(SettingsError) as caught:
        load_settings({}, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path.resolve()}/.env:{said}")


def test_a_value_of_the_environment_is_named_without_the_file_that_it_overrides(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MONETIZATION_FRESH_HOURS=1\n")
    with pytest.raises(SettingsError) as caught:
        load_settings({"MONETIZATION_FRESH_HOURS": "a day"}, tmp_path)
    assert str(caught.value) == (
        "MONETIZATION_FRESH_HOURS: 'a day' is not a whole number of hours between 0 (off) and 8784"
    )


def test_the_folders_file_is_text(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"OTHER=a\nSTRIPE_MODE=\xff\n")
    with pytest.raises(SettingsError) as caught:
        load_settings({}, tmp_path)
    assert str(caught.value) == f"{tmp_path.resolve()}/.env:2: is not UTF-8 text; save it as UTF-8"


def test_a_first_setting_after_a_byte_order_mark_counts(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("\ufeffMONETIZATION_GRACE_DAYS=3\n".encode())
    assert load_settings({}, tmp_path).grace == timedelta(days=3)

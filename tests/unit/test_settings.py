"""Every setting: default, good values, bad values; problems all at once and without values."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from local.functions_host.schedule import parse_schedule
from shared.bootstrap import Installation
from shared.domain.errors import ConfigurationError
from shared.settings import Settings, VisionResource

ENDPOINT = "https://one.cognitiveservices.azure.com"
OTHER = "https://two.cognitiveservices.azure.com/"
ACCOUNT = (
    "/subscriptions/3f2504e0-4f89-41d3-9a0c-0305e82c3301/resourceGroups/g"
    "/providers/Microsoft.CognitiveServices/accounts/a"
)
SECRET = "s3cr3t-value"
SMALLEST = {"CUSTOM_VISION_ENDPOINT": ENDPOINT}
STORAGE = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}


def problems(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Give what the settings themselves complain about."""
    with pytest.raises(ConfigurationError) as refused:
        Settings.read(environ)
    return refused.value.problems


def test_every_default_is_the_contracts() -> None:
    settings = Settings.read(SMALLEST)
    assert settings == Settings(
        resources=(VisionResource(endpoint=ENDPOINT, key=None, resource_id=None),),
        arm_endpoint="https://management.azure.com",
        calls_per_second=10,
        requests_container="gdpr-requests",
        exports_container="gdpr-exports",
        export_schedule=None,
        export_scope={"projects": "all"},
        export_retention=timedelta(days=30),
        package_link_life=timedelta(minutes=15),
        copy_concurrency=settings.copy_concurrency,
        erasure_requires_approval=False,
        approval_expires=timedelta(days=14),
        trust_platform_identity=False,
        verify_interval=timedelta(seconds=300),
        verify_deadline=timedelta(hours=72),
        watchdog_after=timedelta(seconds=1200),
        watchdog_schedule="0 */5 * * * *",
        allow_account_deletion=False,
        allow_key_export=False,
        ledger_hash_key=None,
        receipt_signing_key=None,
        receipt_retired_keys=None,
    )
    assert settings.copy_concurrency >= 1


GOOD: list[tuple[str, str, str, object]] = [
    ("ARM_ENDPOINT", "http://127.0.0.1:7081/", "arm_endpoint", "http://127.0.0.1:7081"),
    ("CUSTOM_VISION_CALLS_PER_SECOND", "2.5", "calls_per_second", 2.5),
    ("REQUESTS_CONTAINER", "my-requests", "requests_container", "my-requests"),
    ("EXPORTS_CONTAINER", "abc", "exports_container", "abc"),
    ("EXPORT_SCHEDULE", "0 0 3 * * *", "export_schedule", "0 0 3 * * *"),
    ("EXPORT_SCOPE", '{"projects": ["Pets"]}', "export_scope", {"projects": ["Pets"]}),
    ("EXPORT_RETENTION_DAYS", "0.5", "export_retention", timedelta(hours=12)),
    ("PACKAGE_LINK_MINUTES", "1", "package_link_life", timedelta(minutes=1)),
    ("PACKAGE_LINK_MINUTES", "0.05", "package_link_life", timedelta(seconds=3)),
    ("PACKAGE_LINK_MINUTES", "10080", "package_link_life", timedelta(days=7)),
    ("COPY_CONCURRENCY", "32", "copy_concurrency", 32),
    ("ERASURE_REQUIRES_APPROVAL", "True", "erasure_requires_approval", True),
    ("APPROVAL_EXPIRES_DAYS", "1.5", "approval_expires", timedelta(hours=36)),
    ("TRUST_PLATFORM_IDENTITY", "true", "trust_platform_identity", True),
    ("ERASURE_VERIFY_INTERVAL_SECONDS", "0.3", "verify_interval", timedelta(seconds=0.3)),
    ("ERASURE_VERIFY_DEADLINE_HOURS", "0.01", "verify_deadline", timedelta(seconds=36)),
    ("ERASURE_VERIFY_DEADLINE_HOURS", str(0.09 / 3600), "verify_deadline", timedelta(seconds=0.09)),
    ("WATCHDOG_AFTER_SECONDS", "3", "watchdog_after", timedelta(seconds=3)),
    ("WATCHDOG_SCHEDULE", "*/2 * * * * *", "watchdog_schedule", "*/2 * * * * *"),
    ("ALLOW_ACCOUNT_DELETION", "TRUE", "allow_account_deletion", True),
    ("ALLOW_KEY_EXPORT", " true ", "allow_key_export", True),
    ("LEDGER_HASH_KEY", " short ", "ledger_hash_key", "short"),
    ("RECEIPT_SIGNING_KEY", "pem", "receipt_signing_key", "pem"),
    ("RECEIPT_RETIRED_KEYS", "pem", "receipt_retired_keys", "pem"),
]


@pytest.mark.parametrize(("name", "text", "field", "value"), GOOD)
def test_a_setting_is_read(name: str, text: str, field: str, value: object) -> None:
    assert getattr(Settings.read(SMALLEST | {name: text}), field) == value


@pytest.mark.parametrize("name", [name for name, *_ in GOOD])
@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_setting_is_the_default(name: str, text: str) -> None:
    assert Settings.read(SMALLEST | {name: text}) == Settings.read(SMALLEST)


NUMBERS = [
    "CUSTOM_VISION_CALLS_PER_SECOND",
    "EXPORT_RETENTION_DAYS",
    "PACKAGE_LINK_MINUTES",
    "COPY_CONCURRENCY",
    "APPROVAL_EXPIRES_DAYS",
    "ERASURE_VERIFY_INTERVAL_SECONDS",
    "ERASURE_VERIFY_DEADLINE_HOURS",
    "WATCHDOG_AFTER_SECONDS",
]

BAD = [
    *[
        ("CUSTOM_VISION_ENDPOINT", value)
        for value in ("", " , ", "one.example", "http://one.example", "ftp://one.example")
    ],
    *[("CUSTOM_VISION_ENDPOINT", value) for value in ("https://", "https://h:99999", f"https://h/?sig={SECRET}")],
    *[("CUSTOM_VISION_ENDPOINT", value) for value in (f"{ENDPOINT},{ENDPOINT}/", f"https://u:{SECRET}@h")],
    ("CUSTOM_VISION_TRAINING_KEY", f"{SECRET},{SECRET}"),
    ("CUSTOM_VISION_RESOURCE_ID", f"{ACCOUNT},{ACCOUNT}"),
    *[("ARM_ENDPOINT", value) for value in ("http://management.example", "nothing", "https://")],
    *[("CUSTOM_VISION_CALLS_PER_SECOND", value) for value in ("0", "-1", "ten", "nan", "inf", "1e9")],
    *[("REQUESTS_CONTAINER", value) for value in ("ab", "Upper", "a--b", "-abc", "abc-", "a_b", "a" * 64)],
    *[("EXPORTS_CONTAINER", value) for value in ("$web", "a.b", "../x")],
    *[("EXPORT_SCOPE", value) for value in ("all", "[]", '"all"', '{"a": 1, "a": 1}', "{")],
    *[("EXPORT_RETENTION_DAYS", value) for value in ("-1", "month", "nan")],
    *[("PACKAGE_LINK_MINUTES", value) for value in ("-0.1", "x", "10081", "0", "0.0", "-0", "0.04", "1e-9")],
    *[(name, value) for name in NUMBERS for value in ("-1", "NaN", "inf", "1e99", "9" * 9, "1_0", "1 0", "0x1", "1;")],
    *[("COPY_CONCURRENCY", value) for value in ("0", "many", "-8", "1.5", "257", "1_0", "８")],
    *[
        ("EXPORT_RETENTION_DAYS", value)
        for value in ("1_0", "٣", "１０", "e1", "1e", "+5", "1,5", "5.", "3\n0", "9" * 400)
    ],
    *[("CUSTOM_VISION_ENDPOINT", f"https://{host}") for host in ("ex\nample.com", "ex\tample.com", "exa mple.com")],
    *[
        ("CUSTOM_VISION_ENDPOINT", f"https://{host}")
        for host in ("a..example", ".example", "x\\y.example", "exämple.com")
    ],
    *[("CUSTOM_VISION_ENDPOINT", f"https://{host}") for host in ("h/\x00", "@h", f"{'a' * 64}.example")],
    *[("CUSTOM_VISION_ENDPOINT", f"https://h,https://{same}") for same in ("H", "h:443", "h/customvision")],
    ("ARM_ENDPOINT", "https://manage\nment.example"),
    *[
        (name, value)
        for name in ("ERASURE_REQUIRES_APPROVAL", "TRUST_PLATFORM_IDENTITY")
        for value in ("yes", "1", "on")
    ],
    *[(name, "yes") for name in ("ALLOW_ACCOUNT_DELETION", "ALLOW_KEY_EXPORT")],
    *[(name, "soon") for name in ("APPROVAL_EXPIRES_DAYS", "ERASURE_VERIFY_INTERVAL_SECONDS")],
    *[(name, "-1") for name in ("ERASURE_VERIFY_DEADLINE_HOURS", "WATCHDOG_AFTER_SECONDS")],
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    assert any(problem.startswith(name) for problem in problems(SMALLEST | {name: value}))


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, value in BAD if len(value) > 3 and value != "https://"]
)
def test_no_problem_repeats_a_value(name: str, value: str) -> None:
    assert not any(value in problem for problem in problems(SMALLEST | {name: value}))
    assert not any(SECRET in problem for problem in problems(SMALLEST | {name: value}))


@pytest.mark.parametrize(
    "name", ["LEDGER_HASH_KEY", "CUSTOM_VISION_TRAINING_KEY", "RECEIPT_SIGNING_KEY", "RECEIPT_RETIRED_KEYS"]
)
@pytest.mark.parametrize("spelt", ["@Microsoft.KeyVault", "@microsoft.keyvault"])
def test_a_reference_that_the_platform_did_not_resolve_is_never_taken_for_the_secret(name: str, spelt: str) -> None:
    reference = f"{spelt}(SecretUri=https://vault.vault.azure.net/secrets/secret)"
    settings, found = Settings.read_with_problems(SMALLEST | {name: reference})
    assert found == [f"{name} is a reference to Key Vault that the platform could not resolve"]
    assert reference not in (settings.ledger_hash_key, settings.receipt_signing_key, settings.receipt_retired_keys)
    assert [resource.key for resource in settings.resources] == [None]


@pytest.mark.parametrize("name", [name for name, *_ in GOOD] + ["CUSTOM_VISION_ENDPOINT", "CUSTOM_VISION_TRAINING_KEY"])
def test_a_setting_that_is_no_text_is_named(name: str) -> None:
    no_utf8 = b"0 0 3 * * * \xff".decode(
        errors="surrogateescape"
    )  # as Python gives what is no UTF-8 in the environment
    found = Installation(SMALLEST | STORAGE | {name: no_utf8}).problems()
    assert found
    assert all(problem.startswith(name) for problem in found)


def test_all_problems_are_found_at_once() -> None:
    bad = {"EXPORT_RETENTION_DAYS": "x", "ALLOW_KEY_EXPORT": "x", "REQUESTS_CONTAINER": "X", "ARM_ENDPOINT": "x"}
    assert {problem.split()[0] for problem in problems(bad)} == {"CUSTOM_VISION_ENDPOINT", *bad}


def test_several_resources_come_in_order_with_their_keys_and_ids() -> None:
    settings = Settings.read(
        {
            "CUSTOM_VISION_ENDPOINT": f" {ENDPOINT} , {OTHER} ",
            "CUSTOM_VISION_TRAINING_KEY": "k1, ",
            "CUSTOM_VISION_RESOURCE_ID": f",{ACCOUNT}",
        }
    )
    assert settings.resources == (
        VisionResource(endpoint=ENDPOINT, key="k1", resource_id=None),
        VisionResource(endpoint=OTHER.rstrip("/"), key=None, resource_id=ACCOUNT),
    )


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:7080", "http://localhost:7080", "http://[::1]:7080"])
def test_plain_http_is_for_loopback_only(endpoint: str) -> None:
    assert Settings.read({"CUSTOM_VISION_ENDPOINT": endpoint}).resources[0].endpoint == endpoint


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1.example", "http://localhost@evil.example", "http://10.0.0.1"])
def test_what_only_looks_like_loopback_is_refused(endpoint: str) -> None:
    assert problems({"CUSTOM_VISION_ENDPOINT": endpoint})


def test_ports_tell_resources_of_one_host_apart() -> None:
    assert len(Settings.read({"CUSTOM_VISION_ENDPOINT": "http://localhost:7080,http://localhost:7081"}).resources) == 2


def test_no_representation_shows_a_secret() -> None:
    secrets = {"CUSTOM_VISION_TRAINING_KEY": SECRET, "LEDGER_HASH_KEY": SECRET, "RECEIPT_SIGNING_KEY": SECRET}
    settings = Settings.read(SMALLEST | secrets)
    assert SECRET not in repr(settings) + str(settings) + repr(settings.resources)


# What only the whole installation can tell: storage, schedules, and a scope by the rules of the export body.


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "AzureWebJobsStorage"),
        ({"AzureWebJobsStorage": "nonsense"}, "AzureWebJobsStorage"),
        (STORAGE | {"DATA_STORAGE": "nonsense"}, "DATA_STORAGE"),
        (STORAGE | {"EXPORT_SCHEDULE": "daily"}, "EXPORT_SCHEDULE"),
        (STORAGE | {"EXPORT_SCHEDULE": "0 3 * * *"}, "EXPORT_SCHEDULE"),
        (STORAGE | {"EXPORT_SCHEDULE": "0 0 3 * * 9"}, "EXPORT_SCHEDULE"),
        (STORAGE | {"WATCHDOG_SCHEDULE": "*/5 * * * *"}, "WATCHDOG_SCHEDULE"),
        *[
            (STORAGE | {"WATCHDOG_SCHEDULE": schedule}, "WATCHDOG_SCHEDULE")
            for schedule in (
                "0 0 0 ? * *",
                "0 0 0 L * *",
                "0 0 0 * * 7",
                "0 0 0 * * 5-7",
                "0 0 0 * * L5",
                "0 0 0 * * 5#2",
                "0 0 R * * *",
                "0 0 r(1-5) * * *",
                "0 0 22-2 * * *",
                "0 0 3 * * fri-MON",
                "0 0 3 * nov-feb/2 *",
                "0 0 3\n* * 1",
                "0\t0 3 * * 1",
            )
        ],
        (STORAGE | {"CUSTOM_VISION_TRAINING_KEY": "two\nlines"}, "CUSTOM_VISION_TRAINING_KEY"),
        (STORAGE | {"CUSTOM_VISION_TRAINING_KEY": "\u043a\u043b\u044e\u0447"}, "CUSTOM_VISION_TRAINING_KEY"),
        (STORAGE | {"REQUESTS_CONTAINER": "gdpr-exports"}, "EXPORTS_CONTAINER"),
        (STORAGE | {"EXPORTS_CONTAINER": "one", "REQUESTS_CONTAINER": "one"}, "EXPORTS_CONTAINER"),
        (STORAGE | {"EXPORT_SCHEDULE": "0 0 3 * * *", "EXPORT_SCOPE": '{"projects": []}'}, "EXPORT_SCOPE"),
        (STORAGE | {"EXPORT_SCHEDULE": "0 0 3 * * *", "EXPORT_SCOPE": '{"projects": "all", "x": 1}'}, "EXPORT_SCOPE"),
    ],
)
def test_an_installation_names_the_bad_setting_alone(environ: dict[str, str], name: str) -> None:
    assert [problem.split()[0].rstrip(":") for problem in Installation(SMALLEST | environ).problems()] == [name]


@pytest.mark.parametrize(
    "schedule",
    [
        "*/7 */7 */7 */7 */7 */7",
        "7 7 7 7 7 0",
        "0 0 3 * jul,Apr wed",
        "0 0,17-19/2 3 1-7 * 1-5",
        "0 0 0 31 2 *",
        "0  0 3-3 * apr-oct sun-sat",
    ],
)
def test_every_schedule_that_the_host_takes_is_taken(schedule: str) -> None:
    assert Installation(SMALLEST | STORAGE | {"WATCHDOG_SCHEDULE": schedule}).problems() == []
    parse_schedule(schedule)


@pytest.mark.parametrize(
    "storage",
    [
        {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
        {"AzureWebJobsStorage__accountName": "account"},
        {
            "AzureWebJobsStorage__blobServiceUri": "https://a.blob.core.windows.net",
            "AzureWebJobsStorage__queueServiceUri": "https://a.queue.core.windows.net",
        },
        STORAGE | {"DATA_STORAGE__accountName": "other"},
    ],
)
def test_every_form_of_the_storage_settings_is_taken(storage: dict[str, str]) -> None:
    assert Installation(SMALLEST | storage).problems() == []


def test_an_installation_finds_all_problems_of_all_kinds_at_once() -> None:
    environ: dict[str, Any] = {"WATCHDOG_SCHEDULE": "x", "ALLOW_KEY_EXPORT": "x", "DATA_STORAGE": "x"}
    named = {problem.split()[0].rstrip(":") for problem in Installation(environ).problems()}
    assert named == {"CUSTOM_VISION_ENDPOINT", "AzureWebJobsStorage", *environ}


def test_a_bad_number_hides_neither_a_bad_scope_nor_a_bad_key() -> None:
    scope = {"EXPORT_SCHEDULE": "0 0 3 * * *", "EXPORT_SCOPE": '{"projects": []}'}
    environ = scope | {"COPY_CONCURRENCY": "0", "RECEIPT_SIGNING_KEY": "no key"}
    named = [problem.split()[0].rstrip(":") for problem in Installation(SMALLEST | STORAGE | environ).problems()]
    assert sorted(named) == ["COPY_CONCURRENCY", "EXPORT_SCOPE", "RECEIPT_SIGNING_KEY"]


def test_everything_that_is_wrong_with_a_scope_is_named_without_a_value() -> None:
    environ = {"EXPORT_SCHEDULE": "0 0 3 * * *", "EXPORT_SCOPE": '{"projects": [7], "images": {"tags": []}}'}
    [problem] = Installation(SMALLEST | STORAGE | environ).problems()
    assert problem == (
        "EXPORT_SCOPE: /projects/0 must be a text of 1 to 512 characters, /images/tags must be a list that is not empty"
    )


def test_a_malformed_schedule_means_no_export_and_the_usual_watchdog() -> None:
    installation = Installation({"EXPORT_SCHEDULE": "daily", "WATCHDOG_SCHEDULE": "often"})
    assert installation.schedule("EXPORT_SCHEDULE") is None
    assert installation.schedule("WATCHDOG_SCHEDULE", "0 */5 * * * *") == "0 */5 * * * *"


def test_an_installation_keeps_answering_with_its_problems() -> None:
    installation = Installation({})
    for _ in range(2):
        with pytest.raises(ConfigurationError) as refused:
            installation.services()
        assert len(refused.value.problems) == 2

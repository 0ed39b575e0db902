"""`--check-config` of every service names each fault of its settings, and exits with 2."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from assent.process_settings import SettingsError, check_settings, need_key, need_postgres, read_postgres
from assent_contracts.client.keys import SecretKey
from infra.docs.settings import REQUIRED

_SERVICES: Final = Path(__file__).parents[2] / "services" / "assent"
_PLAIN: Final = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
_GOOD: Final = {"ASSENT_KAFKA": "localhost:9092", "ASSENT_IDENTITY": "a" * 64}


def _check(service: str, **environ: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", f"assent.{service}", "--check-config"],
        env=_PLAIN | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_every_service_is_in_the_table_of_the_settings_page() -> None:
    assert {each.parent.name for each in _SERVICES.glob("*/__main__.py")} == set(REQUIRED)


@pytest.mark.parametrize("service", sorted(REQUIRED))
def test_service_names_every_setting_that_it_requires_and_lacks(service: str) -> None:
    code, printed, said = _check(service, ASSENT_HTTP_PORT="none", ASSENT_LOG_LEVEL="loud")
    required = ("ASSENT_KAFKA", "ASSENT_IDENTITY", *REQUIRED[service])
    lines = said.splitlines()
    assert (code, printed) == (2, "")
    assert all(line.startswith(f"{service}: ") for line in lines)
    for name in required:
        assert (
            sum(
                line.startswith((f"{service}: Set {name}:", f"{service}: Set {name}."))
                or (name == "ASSENT_APPLIER_FILE" and line.startswith(f"{service}: Set {name},"))
                for line in lines
            )
            == 1
        ), (name, said)
    assert f"{service}: ASSENT_HTTP_PORT is not a port: 'none'." in lines
    assert len(lines) == len(required) + 2, said


def test_gateway_names_the_faults_of_all_its_settings_at_once(tmp_path: Path) -> None:
    key = tmp_path / "gateway.key"
    SecretKey("gateway-1", "gateway").save(key)
    code, _, said = _check(
        "gateway",
        **_GOOD,
        ASSENT_KEY_FILE=str(key),
        ASSENT_POSTGRES="postgresql://gateway@localhost/assent",
        ASSENT_PUBLIC_URL="http://assent.example",
        ASSENT_GATEWAY_RATE="0",
        ASSENT_GATEWAY_TRUSTED_PROXIES="0.0.0.0/0",
        ASSENT_OIDC_ISSUER="https://login.example",
        ASSENT_OIDC_AUDIENCE="console",
        ASSENT_OIDC_CLIENT_ID="console",
        ASSENT_OIDC_SCOPE="profile",
    )
    assert code == 2
    for named in (
        "PUBLIC_URL must",
        "GATEWAY_RATE is",
        "TRUSTED_PROXIES must",
        "AUDIENCE must",
        "SCOPE must",
    ):
        assert named in said
    assert len(said.splitlines()) == 5


def test_service_with_valid_settings_ends_with_0_and_starts_nothing(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    dsn = "postgresql://status@localhost/assent"
    code, printed, said = _check(
        "status", **_GOOD, ASSENT_POSTGRES=dsn, ASSENT_POSTGRES_PASSWORD_FILE=str(password)
    )
    assert (code, printed, said) == (0, "status: all settings are valid.\n", "")


def test_address_of_the_database_is_read_from_a_file_and_its_password_from_another(tmp_path: Path) -> None:
    dsn, password = tmp_path / "dsn", tmp_path / "password"
    dsn.write_text("postgresql://me@a:5432,b:5432/assent?sslmode=verify-full\n")
    password.write_text("p@ss:/?# \n")
    environ = {"ASSENT_POSTGRES_FILE": str(dsn)}
    assert read_postgres(environ) == "postgresql://me@a:5432,b:5432/assent?sslmode=verify-full"
    environ["ASSENT_POSTGRES_PASSWORD_FILE"] = str(password)
    assert read_postgres(environ) == (
        "postgresql://me:p%40ss%3A%2F%3F%23%20@a:5432,b:5432/assent?sslmode=verify-full"
    )
    assert read_postgres({}) is None


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"ASSENT_POSTGRES": "postgresql://me@h/d", "ASSENT_POSTGRES_FILE": "{dsn}"}, "not both"),
        ({"ASSENT_POSTGRES": "hush"}, "ASSENT_POSTGRES must be the database's address"),
        ({"ASSENT_POSTGRES_FILE": "{password}"}, "ASSENT_POSTGRES_FILE must be the database's address"),
        ({"ASSENT_POSTGRES_FILE": "{missing}"}, "cannot be read: No such file"),
        ({"ASSENT_POSTGRES_PASSWORD_FILE": "{password}"}, "Set ASSENT_POSTGRES: "),
        (
            {"ASSENT_POSTGRES": "postgresql://me:hush@h/d", "ASSENT_POSTGRES_PASSWORD_FILE": "{password}"},
            "must name a user, and no password",
        ),
        (
            {"ASSENT_POSTGRES": "postgresql://h/d", "ASSENT_POSTGRES_PASSWORD_FILE": "{password}"},
            "must name a user",
        ),
        (
            {"ASSENT_POSTGRES": "postgresql://me@h/d", "ASSENT_POSTGRES_PASSWORD_FILE": "{empty}"},
            "is empty, or has more than 16,384 bytes",
        ),
        (
            {"ASSENT_POSTGRES": "postgresql://me@h/d", "ASSENT_POSTGRES_PASSWORD_FILE": "{large}"},
            "is empty, or has more than 16,384 bytes",
        ),
        (
            {"ASSENT_POSTGRES": "postgresql://me@h/d", "ASSENT_POSTGRES_PASSWORD_FILE": "{bytes}"},
            "it is not text",
        ),
    ],
)
def test_wrong_address_or_password_is_named_without_its_content(
    environ: dict[str, str], words: str, tmp_path: Path
) -> None:
    contents = {
        "dsn": b"postgresql://me@h/d",
        "password": b"hush",
        "empty": b"\n",
        "large": b"hush" * 5_000,
        "bytes": b"hush\xff",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    files = {name: str(tmp_path / name) for name in (*contents, "missing")}
    with pytest.raises(SettingsError, match=words) as raised:
        need_postgres({name: value.format(**files) for name, value in environ.items()})
    assert "hush" not in str(raised.value)


def test_fault_that_two_checks_find_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        check_settings({}, (need_key, need_key, need_postgres))
    assert len(raised.value.args) == 2


def test_key_that_cannot_be_used_is_named_with_its_variable(tmp_path: Path) -> None:
    (tmp_path / "odd.key").write_text('{"id": "a", "secret": "hush"}')
    (tmp_path / "odd.key").chmod(0o600)
    with pytest.raises(SettingsError, match=r"ASSENT_KEY_FILE: .* is not a readable key file") as raised:
        need_key({"ASSENT_KEY_FILE": str(tmp_path / "odd.key")})
    assert "hush" not in str(raised.value)

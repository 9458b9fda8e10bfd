"""Powers, settings, passwords, keys: the small rules of the centre."""

import tomllib
from pathlib import Path

import pytest

from central import schedule
from central import settings as central_settings
from central.errors import CentralError, NotPermitted, SettingsInvalid, StoreRefused
from central.security import keys, passwords, permissions
from central.security.permissions import PERMISSIONS, ROLES, permitted, require
from central.settings import FILE, Settings, parse, read
from central.store import migrate
from central.store.tables import TABLES, grants
from central.upstream.reference import Question, synthetic
from sync.messages import introduction


def test_g21_no_power_is_held_by_two_administrators() -> None:
    powers = [row for row in PERMISSIONS if row.power]
    assert all(len(row.roles) == 1 for row in powers)
    held = {role: {row.action for row in powers if role in row.roles} for role in ROLES}
    assert all(held.values())
    assert not held["system"] & held["security"]
    assert not held["system"] & held["audit"]
    assert not held["security"] & held["audit"]
    assert len({row.action for row in PERMISSIONS}) == len(PERMISSIONS)


def test_g21_a_power_of_another_role_is_refused_naming_whose_it_is() -> None:
    with pytest.raises(NotPermitted) as caught:
        require("system", "trail.search")
    assert "审计管理员" in caught.value.words.zh
    assert not permitted("audit", "nodes.create")
    with pytest.raises(KeyError):
        permitted("audit", "fly")


def test_every_error_of_the_tree_says_what_to_do_in_two_languages() -> None:
    def below(kind: type[CentralError]) -> list[type[CentralError]]:
        return [kind, *(one for child in kind.__subclasses__() for one in below(child))]

    kinds = below(CentralError)
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert kind.next.zh
        assert kind.next.en
        assert kind.exit_code in {2, 3, 4}


def test_settings_have_a_default_for_everything() -> None:
    assert parse("").port == 8300
    assert (
        parse(
            '[hall]\nwindow_hours = 24\nlease_answers = 1\nlease_boots = 1\n[hall.lease_hours]\n"*" = 12\n'
        ).hall.hours("detail")
        == 12
    )


def test_the_example_names_every_setting_with_its_default() -> None:
    text = (Path(central_settings.__file__).parent / "settings.example.toml").read_text(encoding="utf-8")
    assert parse(text) == Settings()
    named = set(tomllib.loads(text))
    assert named == set(Settings.__struct_fields__)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour = 1\n", ":1"),
        ('\n\nport = "many"\n', ":3"),
        ("port = \n", "TOML"),
        ('database = "x"\n', "database_owner"),
        ('authority = "a/b"\n', "authority"),
        (
            "[bus]\nwindow_hours = 0\nlease_answers = 1\nlease_boots = 1\n[bus.lease_hours]\ndetail = 1\n",
            "bus",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_naming_the_place(text: str, named: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        parse(text)
    assert named in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_settings_file_in_another_encoding_is_refused_with_the_byte(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'name = "\xc7\xe5\xba\xd3"\n')
    with pytest.raises(SettingsInvalid) as caught:
        read(tmp_path)
    assert "byte 8" in str(caught.value)


def test_a_password_is_kept_as_argon2id_and_checked() -> None:
    for sealed in (passwords.seal("correct horse"), passwords.seal_small("correct horse")):
        assert sealed.startswith("$argon2id$")
        assert passwords.fits("correct horse", sealed)
        assert not passwords.fits("correct horsf", sealed)
    assert not passwords.fits("x", "no phc string")
    assert not passwords.fits("x" * 5000, passwords.seal_small("x"))


def test_codes_are_read_aloud_and_written_down_in_any_case() -> None:
    code = passwords.one_time()
    assert len(code.replace("-", "")) == 16
    assert not set(code) & set("01IO")
    assert introduction.code_key(code) == introduction.code_key(code.lower().replace("-", " "))
    assert introduction.locator(code.lower()) == code[:4]


def test_keys_are_made_once_never_overwritten_and_missed_by_name(tmp_path: Path) -> None:
    recovery = keys.create(tmp_path)
    ring = keys.load(tmp_path)
    assert recovery not in (tmp_path / "keys" / "recovery.pub").read_bytes()
    with pytest.raises(SettingsInvalid):
        keys.create(tmp_path)
    (tmp_path / "keys" / "salt.key").write_bytes(b"short")
    with pytest.raises(SettingsInvalid) as caught:
        keys.load(tmp_path)
    assert "salt.key" in str(caught.value)
    assert "key" not in repr(ring) or "Keyring" in repr(ring)
    assert ring.storage.hex() not in repr(ring)


def test_what_is_sealed_for_storage_opens_only_there_and_for_that(tmp_path: Path) -> None:
    keys.create(tmp_path)
    ring = keys.load(tmp_path)
    sealed = ring.seal("record", b"place", b"words")
    assert ring.unseal("record", b"place", sealed) == b"words"
    assert b"words" not in sealed
    assert sealed != ring.seal("record", b"place", b"words")
    for purpose, place, content in (
        ("detail", b"place", sealed),
        ("record", b"other", sealed),
        ("record", b"place", sealed[:-1]),
        ("record", b"place", b""),
    ):
        with pytest.raises(StoreRefused):
            ring.unseal(purpose, place, content)


def test_migrations_are_numbered_without_gaps_and_split_into_single_statements() -> None:
    found = migrate.migrations()
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    for one in found:
        assert all(
            statement.startswith(("CREATE ", "ALTER TABLE ", "DROP INDEX ")) for statement in one.statements
        )


def test_months_ahead_are_there_before_they_are_needed() -> None:
    months = migrate.months(1_795_235_170_000)
    assert (months[0].isoformat(), months[-1].isoformat()) == ("2026-08-01", "2028-01-01")
    assert len(months) == len(set(months)) == migrate.MONTHS_BACK + migrate.MONTHS_AHEAD + 1


def test_grants_never_let_the_application_rewrite_a_ledger() -> None:
    for table in TABLES:
        given = next(line for line in grants() if f" ON {table.name} TO" in line)
        assert ("UPDATE" in given) == (table.use == "state"), table.name


def test_every_job_has_a_time_a_limit_and_an_owner() -> None:
    for job in schedule.JOBS:
        assert bool(job.every_s) != bool(job.at)
        assert 0 < job.limit_s <= (job.every_s or 86_400) * 4
        assert job.owner
    assert len({job.name for job in schedule.JOBS}) == len(schedule.JOBS)


def test_the_reference_bureau_says_the_same_of_the_same_number() -> None:
    asked = Question(number="330102199001011234", name="某人", purpose="own-use", reference="r-1")
    first = synthetic(asked)
    assert first == synthetic(asked)
    assert first
    assert first.reference == "r-1"
    assert synthetic(Question(number="10", name="", purpose="", reference="")) is None


def test_roles_have_words_in_two_languages() -> None:
    assert set(permissions.ROLE_WORDS) == set(ROLES)

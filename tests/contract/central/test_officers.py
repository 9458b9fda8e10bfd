"""Commands that stand for their speaker: an officer signs in with their own account, or nothing is done."""

import argparse
import json
from pathlib import Path

import msgspec
import pytest

from central.__main__ import main, parser
from central.actions.centre import AdminSession, Centre
from central.commands import Said, by_officer
from central.errors import EXIT_HOLDS, EXIT_REFUSED, UsageInvalid
from central.store import people
from tests.contract.central.stage import PASSWORD, Stage


async def spoken(_: Centre, officer: AdminSession, __: argparse.Namespace) -> Said:
    return Said(document=(officer.admin, officer.role, officer.place))


async def said(stage: Stage, folder: Path, officer: str, password: str) -> Said:
    file = folder / "password"
    file.write_text(f"{password}\n", encoding="utf-8")
    asked = argparse.Namespace(officer=officer, password_file=str(file))
    return await by_officer(spoken)(stage.centre, asked)


async def test_an_officers_command_runs_in_the_role_of_the_account_that_signed_in(
    stage: Stage, tmp_path: Path
) -> None:
    done = await said(stage, tmp_path, "security", PASSWORD)
    assert (done.code, done.document) == (EXIT_HOLDS, ("security", "security", "command-line"))
    assert await stage.rows("SELECT 1 FROM admin_session") == [], "signed out again"
    for officer, password in (("security", "wrong"), ("nobody", PASSWORD)):
        no = await said(stage, tmp_path, officer, password)
        assert (no.code, no.document.code) == (EXIT_REFUSED, "sign-in")


async def test_a_one_time_password_speaks_for_nobody(stage: Stage, tmp_path: Path) -> None:
    async with stage.centre.store.transaction() as tx:
        admin = await people.administrator(tx, "system")
        assert admin is not None
        await people.change_administrator(tx, msgspec.structs.replace(admin, must_change=True))
    no = await said(stage, tmp_path, "system", PASSWORD)
    assert (no.code, no.document.code) == (EXIT_REFUSED, "password-first")


async def test_without_a_terminal_the_password_must_come_from_a_file(stage: Stage) -> None:
    asked = argparse.Namespace(officer="security", password_file="")
    with pytest.raises(UsageInvalid):
        await by_officer(spoken)(stage.centre, asked)


def test_two_officers_on_the_command_line_are_two_accounts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("incarnation approve", "incarnation refuse", "escrow release"):
        with pytest.raises(SystemExit):
            parser().parse_args([*verb.split(), "--help"])
        shown = capsys.readouterr().out
        assert "--officer" in shown
        assert "--role" not in shown
    data, file = tmp_path / "centre", tmp_path / "password"
    assert main(["init", "--data", str(data), "--passwords-final", "--json"]) == EXIT_HOLDS
    passwords = {
        one["name"]: one["password"] for one in json.loads(capsys.readouterr().out)["administrators"]
    }
    file.write_text(passwords["security"], encoding="utf-8")
    words = [
        "wipe",
        "--data",
        str(data),
        "--password-file",
        str(file),
        "--node",
        "330102",
        "--note",
        "被盗，封存",
    ]
    assert main([*words, "--officer", "system", "--json"]) == EXIT_REFUSED
    assert json.loads(capsys.readouterr().out)["code"] == "sign-in"
    assert main([*words, "--officer", "security", "--json"]) == EXIT_REFUSED
    assert json.loads(capsys.readouterr().out)["code"] == "not-found"

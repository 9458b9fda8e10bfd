"""The error tree of the centre.

CentralError                  root: stable `code`, `words` (zh, en), `next` (zh, en), process exit code,
HTTP status
├── SettingsInvalid           settings.toml, or the data folder             blame: operator   retry: no
├── UsageInvalid              a command's words                             blame: operator   retry: no
├── Trouble                   disk, database, line                         blame: this machine   retry: yes
│   ├── StoreUnavailable      no database, or it went away
│   ├── StoreRefused          the database refused a statement: a bug or a damaged schema (not retried)
│   ├── FolderTrouble         a file or folder cannot be used
│   ├── WrongKey              a key in DATA is not the one this database was begun with (not retried)
│   ├── AddressTaken          the port to listen on is another program's, or may not be opened
│   └── UpstreamFailed        a credit bureau did not answer, or not in its contract
└── Refused                   what was asked may not be done               blame: who asked   retry: no
    ├── NotPermitted          the administrator's role does not hold this power
    ├── NotFound              no such node, report, finding, pack
    └── FileRefused           an import file that is not what it should be; names what is wrong

What is normal work (a wrong password, a used code) is a returned `matters.model.Refusal`, not an
exception. What a batch does wrong is an error of `sync.errors`.
"""

from matters.model import Words

EXIT_HOLDS = 0
EXIT_FOUND = 1
EXIT_USAGE = 2
EXIT_TROUBLE = 3
EXIT_REFUSED = 4


class CentralError(Exception):
    """Root of the tree; `words` says what is wrong, `next` what the person can do now."""

    code = "central"
    exit_code = EXIT_TROUBLE
    status = 500
    retry = False
    next = Words(zh="请联系中心平台运维人员。", en="Call the operators of the centre.")

    def __init__(self, zh: str, en: str, *, next_words: Words | None = None) -> None:
        super().__init__(en)
        self.words = Words(zh=zh, en=en)
        if next_words is not None:
            self.next = next_words


class SettingsInvalid(CentralError):
    """A setting or argument cannot be used; the words name the line and the key."""

    code = "settings-invalid"
    exit_code = EXIT_USAGE
    next = Words(
        zh="改正该行后重新启动；示例见 central/settings.example.toml。",
        en="Correct the line and start again; see central/settings.example.toml.",
    )


class UsageInvalid(CentralError):
    """A command's words cannot be used; the words name the flag and what is allowed. Nothing was done."""

    code = "usage"
    exit_code = EXIT_USAGE
    status = 400
    next = Words(zh="请改正后重新运行，未作任何改动。", en="Correct it and run again; nothing was changed.")


class Trouble(CentralError):
    """Disk, database or line; may be tried again."""

    code = "trouble"
    status = 503
    retry = True
    next = Words(zh="稍后重试；仍不成功请查看日志。", en="Try again shortly; if it stays, look at the log.")


class StoreUnavailable(Trouble):
    """The database does not start, does not accept us, or the connection broke."""

    code = "store-unavailable"


class StoreRefused(Trouble):
    """The database refused a statement; `sqlstate` says how. Not retried."""

    code = "store-refused"
    retry = False

    def __init__(self, zh: str, en: str, sqlstate: str) -> None:
        super().__init__(zh, en)
        self.sqlstate = sqlstate


class FolderTrouble(Trouble):
    """A file or folder cannot be read or written; the words name it and why."""

    code = "folder"
    next = Words(
        zh="请核对路径和权限，以及磁盘是否已满或只读，然后重新运行。",
        en="Check the path and its rights, and whether the disk is full or read-only; then run again.",
    )


class WrongKey(Trouble):
    """A key in DATA is not the one this database was begun with; nothing was done with it."""

    code = "wrong-key"
    retry = False
    next = Words(
        zh="请从备份恢复该密钥文件，或核对数据目录与数据库是否配套。",
        en="Restore that key file from the backup, or check that data folder and database belong together.",
    )


class AddressTaken(Trouble):
    """The port to listen on is in use, or this user may not open it; nothing was started."""

    code = "address-taken"
    next = Words(
        zh="请停止占用该端口的程序，或用 --port 换一个端口（也可写在 settings.toml）。",
        en="Stop the program that holds it, or take another port with --port or in settings.toml.",
    )


class UpstreamFailed(Trouble):
    """The bureau did not answer within its deadline, or not in the words of its contract."""

    code = "upstream-failed"


class Refused(CentralError):
    """What was asked may not be done; nothing was changed."""

    code = "refused"
    exit_code = EXIT_REFUSED
    status = 403
    next = Words(zh="请核对后重新提交。", en="Check and submit again.")


class NotPermitted(Refused):
    """The administrator's role does not hold this power (三员分立)."""

    code = "not-permitted"
    next = Words(
        zh="请由拥有该权限的管理员办理。",
        en="Ask the administrator whose power this is.",
    )


class NotFound(Refused):
    """There is no such thing under that name."""

    code = "not-found"
    status = 404


class FileRefused(Refused):
    """A file that is not what the command needs; the words name what is wrong. Nothing was stored."""

    code = "file-refused"
    status = 400

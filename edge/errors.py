"""Every trouble of the node, as one tree.

    EdgeError
    ├── SettingsInvalid        the settings file names something impossible          blame: operator   exit 2
    ├── UsageInvalid           a command's words                             blame: operator   exit 2
    ├── AddressTaken           the port to listen on is in use or not ours            blame: operator   exit 3
    ├── NotEnrolled            no keys or certificate yet                            blame: operator   exit 2
    ├── Busy                   another process holds this node's data                blame: operator   exit 3
    ├── Refused                the centre or a rule said no to a command             blame: asker      exit 4
    ├── StoreTrouble           the database, its key or its disk
    │   ├── FolderTrouble      a file or folder cannot be used               blame: disk       exit 3
    │   ├── WrongKey           no key slot opens this file                           blame: operator   exit 3
    │   ├── Damaged            the key is right, the file is not                     blame: disk       exit 3
    │   │   ├── BrokenPage     a page fails its HMAC: put aside and rebuilt          blame: disk       exit 3
    │   │   └── BeyondRepair   too little of it reads: a backup or a new enrolment   blame: disk       exit 3
    │   ├── RolledBack         the database is older than its anchor                 blame: operator   exit 3
    │   └── LedgerUnavailable  the entry cannot be made durable now                  blame: disk       exit 3
    ├── LineTrouble            the way to the centre
    │   ├── CentreUnreachable  no reply within the deadline, or the breaker is open  blame: line       exit 3
    │   │   └── NotTheCentre   something else replied                                blame: line       exit 3
    │   └── CentreRefused      the centre replied with a refusal                     blame: centre     exit 4
    ├── CourierRefused         a file on a stick is not for us, or not whole         blame: carrier    exit 4
    ├── StickTrouble           a stick or backup disk cannot be written              blame: carrier    exit 3
    ├── TypesetFailed          the typesetting worker gave no document               blame: node       exit 3
    ├── SignInNeeded           no session, or it ended                               blame: asker   HTTP 401
    ├── Forgery                the forgery token is missing or not the session's     blame: asker   HTTP 403
    ├── NotAllowed             this person may not do this                           blame: asker   HTTP 403
    ├── NotThere               no such case, report, job or task here                blame: asker   HTTP 404
    └── WrongMoment            the thing is not in a state that allows this          blame: asker   HTTP 409

A refusal on the merits of a query (`matters.model.Refusal`) is a returned value, never one of these.
"""

from typing import ClassVar, Literal

from matters.model import Words

Blame = Literal["operator", "asker", "disk", "line", "centre", "carrier", "node"]


class EdgeError(Exception):
    """Trouble with a stable `code`, who is to blame, whether to retry, and words for a person.

    `detail` is English for the log and never holds personal data; `message` and `next` are shown.
    """

    code: ClassVar[str] = "edge"
    blame: ClassVar[Blame] = "node"
    retry: ClassVar[bool] = False
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 3
    message: Words = Words(zh="节点内部出错。", en="The node has trouble.")
    next: Words = Words(zh="请联系大厅管理员。", en="Call the hall manager.")

    def __init__(self, detail: str = "", *, message: Words | None = None, step: Words | None = None) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        if message is not None:
            self.message = message
        if step is not None:
            self.next = step


class SettingsInvalid(EdgeError):
    """The settings file holds an unknown key or an impossible value; `line` counts from 1, 0 when unknown."""

    code = "settings-invalid"
    blame: ClassVar[Blame] = "operator"
    exit_code = 2
    next = Words(zh="请改正该行后再启动。", en="Correct that line, then start again.")

    def __init__(self, path: str, line: int, what: str) -> None:
        super().__init__(f"{path}:{line}: {what}")
        self.line = line
        self.message = Words(zh=f"配置文件第 {line} 行有误：{what}", en=f"{path} line {line}: {what}")


class UsageInvalid(EdgeError):
    """A command's words cannot be used; `message` names the flag and what is allowed. Nothing was done."""

    code = "usage"
    blame: ClassVar[Blame] = "operator"
    exit_code = 2
    next = Words(zh="请改正后重新运行，未作任何改动。", en="Correct it and run again; nothing was changed.")

    def __init__(self, zh: str, en: str) -> None:
        super().__init__("", message=Words(zh=zh, en=en))


class AddressTaken(EdgeError):
    """The port to listen on is in use, or this user may not open it; nothing was started."""

    code = "address-taken"
    blame: ClassVar[Blame] = "operator"
    next = Words(
        zh="请停止占用该端口的程序，或用 --port 换一个端口（也可写在 settings.toml）。",
        en="Stop the program that holds it, or take another port with --port or in settings.toml.",
    )

    def __init__(self, zh: str, en: str) -> None:
        super().__init__("", message=Words(zh=zh, en=en))


class NotEnrolled(EdgeError):
    """The node has no identity yet."""

    code = "not-enrolled"
    blame: ClassVar[Blame] = "operator"
    exit_code = 2
    message = Words(zh="本节点尚未登记。", en="This node is not enrolled.")
    next = Words(
        zh="请先运行 edge enrol，使用中心给出的一次性登记码。",
        en="Run edge enrol with the centre's one-time code.",
    )


class Busy(EdgeError):
    """Another process works on the same data folder."""

    code = "busy"
    blame: ClassVar[Blame] = "operator"
    retry = True
    message = Words(zh="另一个程序正在使用本节点的数据。", en="Another process is using this node's data.")
    next = Words(zh="请先停止正在运行的 edge serve。", en="Stop the running edge serve first.")


class Refused(EdgeError):
    """A command was refused by the centre or by a rule; the words say which."""

    code = "refused"
    blame: ClassVar[Blame] = "asker"
    exit_code = 4
    status = 403
    message = Words(zh="该操作被拒绝。", en="Refused.")


class StoreTrouble(EdgeError):
    """The database, its key, or its disk."""

    code = "store"
    blame: ClassVar[Blame] = "disk"
    status = 503
    message = Words(zh="节点数据库不可用。", en="The node's database is not available.")


class FolderTrouble(StoreTrouble):
    """A file or folder of the node cannot be read or written; `message` names it and why."""

    code = "folder"
    next = Words(
        zh="请核对 --data 的路径和权限，以及磁盘是否已满或只读。",
        en="Check the path and rights of --data, and whether the disk is full or read-only.",
    )

    def __init__(self, error: OSError, path: str = "") -> None:
        where, why = path or str(error.filename or ""), error.strerror or type(error).__name__
        super().__init__(
            type(error).__name__,
            message=Words(zh=f"读写 {where} 失败：{why}。", en=f"cannot use {where}: {why}"),
        )


class WrongKey(StoreTrouble):
    """No key slot opens this database; the file itself may be whole."""

    code = "wrong-key"
    blame: ClassVar[Blame] = "operator"
    message = Words(
        zh="密钥不对，数据库未打开，文件未被改动。", en="Wrong key: the database was not opened or changed."
    )
    next = Words(
        zh="请放回本机密钥文件，或用主管密钥槽打开。",
        en="Put back this machine's key, or open with the manager's slot.",
    )


class Damaged(StoreTrouble):
    """The key is right, but the file fails its own checks."""

    code = "damaged"
    message = Words(
        zh="密钥正确，但数据库文件已损坏。", en="The key is right, but the database file is damaged."
    )
    next = Words(
        zh="请勿删除该文件；停止服务，用最近的备份恢复，并报告中心。",
        en="Do not delete the file; stop, restore the latest backup and tell the centre.",
    )


class BrokenPage(Damaged):
    """A page of the database fails its HMAC, or pages do not fit each other (crash rule 7)."""

    code = "page-broken"
    message = Words(
        zh="数据库有损坏的页（多为磁盘故障），敏感查询已停止。",
        en="The database has a broken page (a failing disk, most likely): sensitive answers are stopped.",
    )
    next = Words(
        zh="请勿断电、勿删除文件。服务会自动重启，隔离原文件并重建；五分钟后仍未恢复，请停止服务，"
        "运行 edge rebuild，并报告中心。",
        en="Leave it powered, delete nothing. The service restarts, puts the file aside, rebuilds; if it is "
        "not back in five minutes, stop it, run edge rebuild, and tell the centre.",
    )


class BeyondRepair(Damaged):
    """What could be read of a broken database is not enough to go on with; the file is in quarantine."""

    code = "beyond-repair"
    message = Words(
        zh="数据库损坏过重，无法就地重建；原文件已隔离保存，未删除。",
        en="The database is too badly damaged to be rebuilt in place; the file was put aside, not deleted.",
    )
    next = Words(
        zh="请用最近的备份恢复到本目录（edge restore），再申请换代（disk-lost）；没有备份时，"
        "请中心发新的登记码，在新目录重新登记。原文件请保留。",
        en="Restore the latest backup into this folder, then edge incarnation --reason disk-lost; "
        "without one enrol in a new folder with a code of the centre. Keep the old file.",
    )


class RolledBack(StoreTrouble):
    """The database is older than the anchor kept beside it: an old image was put back."""

    code = "rolled-back"
    blame: ClassVar[Blame] = "operator"
    message = Words(
        zh="数据库比锚点文件旧：可能被恢复为旧映像。敏感查询已停止。",
        en="The database is behind its anchor: an old image was restored? Sensitive answers stopped.",
    )
    next = Words(
        zh="请联系中心，由两名负责人批准换代登记。",
        en="Call the centre; two officers must approve a new incarnation.",
    )


class LedgerUnavailable(StoreTrouble):
    """The entry cannot be made durable now, so nothing may be shown (P1)."""

    code = "ledger-unavailable"
    retry = True
    message = Words(
        zh="台账暂时无法写入，按规定不能显示查询结果。",
        en="The ledger cannot be written now, so no result may be shown.",
    )
    next = Words(
        zh="请先受理其他事项，并通知大厅管理员检查磁盘；磁盘恢复后再查询。",
        en="Serve other matters first and have the hall manager check the disk; ask again afterwards.",
    )


class LineTrouble(EdgeError):
    """The way to the centre."""

    code = "line"
    blame: ClassVar[Blame] = "line"
    retry = True
    status = 503


class CentreUnreachable(LineTrouble):
    """No reply within the deadline, or the breaker is open."""

    code = "centre-unreachable"
    message = Words(zh="暂时联系不上中心。", en="The centre cannot be reached now.")
    next = Words(
        zh="窗口可继续离线办理；线路恢复后会自动交换。", en="Go on offline; the exchange resumes by itself."
    )


class NotTheCentre(CentreUnreachable):
    """Something replied, but not in the centre's words: a gateway, or a centre that has no such door."""


class CentreRefused(LineTrouble):
    """The centre replied with a refusal; its own code is in `centre_code`.

    `time_ms` is the centre's unsigned time where it said the clocks are apart, else 0.
    """

    code = "centre-refused"
    blame: ClassVar[Blame] = "centre"
    retry = False
    exit_code = 4
    status = 403

    def __init__(self, centre_code: str, message: Words, step: Words, time_ms: int = 0) -> None:
        super().__init__(centre_code, message=message, step=step)
        self.centre_code = centre_code
        self.time_ms = time_ms


class CourierRefused(EdgeError):
    """A file on a stick is not for this node, or not whole; nothing was changed."""

    code = "courier-refused"
    blame: ClassVar[Blame] = "carrier"
    exit_code = 4
    status = 422
    message = Words(
        zh="该数据包不能导入，未作任何改动。", en="This file cannot be imported; nothing was changed."
    )
    next = Words(
        zh="请检查介质，或向中心重新索取。", en="Check the stick, or ask the centre for the file again."
    )


class StickTrouble(EdgeError):
    """A stick or backup disk cannot be written: full, read-only or pulled out. Nothing on it looks whole."""

    code = "stick-trouble"
    blame: ClassVar[Blame] = "carrier"
    retry = True
    next = Words(
        zh="请核对路径，或换一个有空间的介质重试；本节点的数据未受影响。",
        en="Check the path, or try again with a stick that has room; this node's own data is as before.",
    )

    def __init__(self, reason: str, path: str = "") -> None:
        where = f"{path}：{reason}" if path else reason
        super().__init__(
            reason,
            message=Words(
                zh=f"介质写不进去（{where}），没有留下看似完整的文件。",
                en=f"The stick cannot be written ({where}); no file that looks whole is left.",
            ),
        )


class TypesetFailed(EdgeError):
    """The typesetting worker gave no document in time."""

    code = "typeset-failed"
    retry = True
    message = Words(
        zh="报告排版失败，报告编号已保留。", en="The report could not be typeset; its serial is kept."
    )
    next = Words(zh="请在打印台账中重试。", en="Try again from the print journal.")


class SignInNeeded(EdgeError):
    """No session, or it ended by idling, age, or a newer sign-in."""

    code = "sign-in-needed"
    blame: ClassVar[Blame] = "asker"
    status = 401
    message = Words(zh="请先登录。", en="Sign in first.")
    next = Words(zh="登录后会回到刚才的页面。", en="After signing in you return to the same page.")


class Forgery(EdgeError):
    """The forgery token is missing or belongs to another session."""

    code = "forgery-token"
    blame: ClassVar[Blame] = "asker"
    status = 403
    message = Words(zh="页面已过期，本次提交未执行。", en="The page is out of date; nothing was done.")
    next = Words(zh="请刷新页面后重新提交。", en="Reload the page and submit again.")


class NotAllowed(EdgeError):
    """This person's role or permits do not cover this act."""

    code = "not-allowed"
    blame: ClassVar[Blame] = "asker"
    status = 403
    message = Words(
        zh="您没有办理此项的权限，本次操作已留痕。",
        en="You have no permit for this; the attempt is on record.",
    )
    next = Words(
        zh="请转到有权限的窗口，或联系大厅主管。",
        en="Pass it to a window with the permit, or ask the supervisor.",
    )


class NotThere(EdgeError):
    """No such case, report, job or task at this node."""

    code = "not-there"
    blame: ClassVar[Blame] = "asker"
    status = 404
    exit_code = 4
    message = Words(zh="本节点没有这一项。", en="There is no such thing at this node.")
    next = Words(zh="请核对编号。", en="Check the number.")


class WrongMoment(EdgeError):
    """The thing exists but its state does not allow this act."""

    code = "wrong-moment"
    blame: ClassVar[Blame] = "asker"
    status = 409
    exit_code = 4
    message = Words(
        zh="当前状态不能这样操作，未作改动。",
        en="Its present state does not allow this; nothing was changed.",
    )
    next = Words(zh="请刷新后查看当前状态。", en="Reload and look at its present state.")

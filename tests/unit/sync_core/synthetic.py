"""Realistic ledger rows from a seed: a hall's access entries, and a day with reports, prints and cases."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
from collections.abc import Sequence
from typing import Any

from sync.codec import cbor
from sync.codec.rows import Entry, FrameContext, Row, salt
from sync.ids import subject_ref

SUBJECT_KEY = b"k" * 32
SALT_KEY = b"s" * 32
CONTEXT = FrameContext(subject_key=SUBJECT_KEY, salt_keys=((0, SALT_KEY),))
START_MS = 1_795_219_200_000

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏"
    "魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵"
    "万钱严覃武戴莫孔向汤"
)
_GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂香文辉玲斌玉梅莉红鹏建华飞燕婷雪梦佳子涵浩"
    "然宇轩欣怡思雨晨博睿诗琪一诺梓萱俊熙国栋志成春晓海波永康天佑淑珍凤云福生德胜金龙银花新民爱"
    "卫东立学振小丹彤彬"
)
_CLERKS = [("li.min", "W1"), ("sun.tao", "W2"), ("he.jing", "W3"), ("wu.yue", "W4"), ("qian.lei", "W5")]
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


class Hall:
    """One hall's citizens and clock, deterministic by seed."""

    def __init__(self, seed: int = 1, *, salt_key: bytes = SALT_KEY, context: FrameContext = CONTEXT) -> None:
        self.rnd = random.Random(seed)
        self.now_ms = START_MS
        self.index = 0
        self.salt_key = salt_key
        self.context = context
        self.sessions = {name: self.rnd.randbytes(8).hex() for name, _ in _CLERKS}

    def person(self) -> tuple[str, str]:
        region = self.rnd.choices(("330102", "330104", "330106", "330183", "340421"), (70, 15, 8, 4, 3))[0]
        born = dt.date(1945, 1, 1) + dt.timedelta(days=self.rnd.randrange(22_000))
        body = f"{region}{born:%Y%m%d}{self.rnd.randrange(1000):03}"
        check = "10X98765432"[sum(w * int(d) for w, d in zip(_WEIGHTS, body, strict=True)) % 11]
        name = self.rnd.choices(_SURNAMES, [1 / (i + 3) for i in range(len(_SURNAMES))])[0]
        given = self.rnd.choices(
            _GIVEN, [1 / (i + 8) for i in range(len(_GIVEN))], k=self.rnd.choices((1, 2), (1, 4))[0]
        )
        return body + check, name + "".join(given)

    def row(
        self, kind: int, detail: Sequence[object], *, ref: bytes, gap_ms: float = 40_000, **fields: Any
    ) -> Row:
        self.now_ms += int(self.rnd.expovariate(1 / gap_ms)) + 1
        entry = Entry(
            kind=kind,
            index=self.index,
            hlc_ms=self.now_ms,
            hlc_n=0,
            boot=3,
            role="clerk",
            policy=7,
            subject_ref=ref,
            **fields,
        )
        made = Row(entry, cbor.encode(detail), salt(self.salt_key, self.index))
        self.index += 1
        return made

    def access(self) -> Row:
        """One access at a window: three in four about oneself, one in three from cache."""
        number, name = self.person()
        own = self.rnd.random() < 0.75
        requester = (number, name) if own else self.person()
        clerk, window = self.rnd.choice(_CLERKS)
        cached = self.rnd.random() < 0.33
        outcome = self.rnd.choices(("answered", "denied", "deferred"), (90, 4, 6))[0]
        matter = "public-credit.self" if own else "public-credit.authorised"
        shown = self.rnd.choices(("penalty,licence,honour", "licence", "", "judgment,penalty"), (5, 3, 2, 1))[
            0
        ]
        detail = [
            number,
            name,
            *requester,
            matter,
            "natural-natural" if not own else "self-natural",
            self.rnd.randbytes(8).hex(),
            shown,
            "",
        ]
        return self.row(
            {"answered": 10, "denied": 11, "deferred": 12}[outcome],
            detail,
            ref=subject_ref(self.context.subject_key, number),
            actor=clerk,
            window=window,
            session=self.sessions[clerk],
            presence="resident-id",
            relationship="self" if own else "authorised",
            purpose="本人查询" if own else "受托查询",
            basis="SELF" if own else "AUTHORISED",
            mode="cached" if cached else "online",
            as_of=START_MS - 3_600_000 if cached else self.now_ms + 9_000,
            outcome=outcome,
            object=matter,
        )

    def report(self, of: Row) -> list[Row]:
        """The rows of one report after an access."""
        number, name = cbor.decode(of.detail)[:2]
        serial = f"QZ-330102-2026-{self.index:06}"
        facts = json.dumps(
            {
                "number": number,
                "name": name,
                "records": [{"title": "行政许可", "id": self.rnd.randrange(10**6)}],
            },
            ensure_ascii=False,
        ).encode()
        e = of.entry
        whose = {"actor": e.actor, "window": e.window, "session": e.session, "object": serial}
        digest = self.rnd.randbytes(32)
        issued = [serial, number, name, e.object, hashlib.sha256(facts).digest(), facts, "final", e.as_of]
        return [
            self.row(20, issued, ref=e.subject_ref, gap_ms=900, **whose),
            self.row(21, [serial, f"A{self.index:07}", digest, ""], ref=e.subject_ref, gap_ms=4_000, **whose),
            self.row(
                24, [serial, f"A{self.index - 1:07}", digest, ""], ref=e.subject_ref, gap_ms=9_000, **whose
            ),
        ]

    def accesses(self, count: int) -> list[Row]:
        return [self.access() for _ in range(count)]

    def day(self, count: int) -> list[Row]:
        """Accesses, each answered one with its report, and tickets and sessions between."""
        rows: list[Row] = []
        while len(rows) < count:
            rows.append(self.row(40, [f"A{len(rows):03}"], ref=b"", window="kiosk", object="ticket"))
            access = self.access()
            rows.append(access)
            if access.entry.outcome == "answered":
                rows += self.report(access)
            if self.rnd.random() < 0.1:
                rows.append(self.row(50, ["li.min", ""], ref=b"", actor="li.min"))
        return rows[:count]

"""Cards of nobody, one for each layout. Their numbers have valid check characters."""

import datetime as dt

from drivers.chips import CarrierCard, SocialCard
from drivers.ports import CardRecord, Fix

PHOTO = bytes(range(256)) * 4

CITIZEN = CardRecord(
    record="citizen",
    name="王䶮",
    sex="2",
    nation="01",
    birth=dt.date(1949, 12, 31),
    address="北京市东城区景山前街４号",
    number="11010519491231002X",
    issuer="北京市公安局东城分局",
    valid_from=dt.date(2016, 1, 1),
    photo=PHOTO,
)
PERMIT = CardRecord(
    record="J",
    name="陳小明",
    sex="1",
    birth=dt.date(1994, 8, 23),
    address="广东省深圳市福田区福中路１号",
    number="810000199408230021",
    issuer="深圳市公安局",
    valid_from=dt.date(2019, 1, 1),
    valid_to=dt.date(2029, 1, 1),
    pass_number="H12345678",
    issue_count="01",
    photo=PHOTO,
)
FOREIGNER_2017 = CardRecord(
    record="I",
    name="艾 丽斯",
    english_name="LIDDELL, ALICE PLEASANCE",
    sex="2",
    birth=dt.date(1981, 5, 4),
    number="GBR110081050413",
    issuer="1100",
    nationality="GBR",
    version="01",
    valid_from=dt.date(2018, 5, 1),
    valid_to=dt.date(2028, 4, 30),
    photo=PHOTO,
)
FOREIGNER_2023 = CardRecord(
    record="Y",
    name="艾丽斯",
    english_name="LIDDELL, ALICE PLEASANCE CHARLOTTE MARGARET",
    sex="2",
    birth=dt.date(1981, 5, 4),
    number="911826198105040017",
    nationality="GBR",
    issue_count="00",
    former_number="GBR110081050413",
    valid_from=dt.date(2024, 5, 1),
    valid_to=dt.date(2034, 4, 30),
    photo=PHOTO,
)
HERE = Fix(
    state="fix", latitude=30.2741, longitude=120.1551, at_ms=1_795_239_000_000, satellites=9, speed_kmh=36.0
)
CARDS = (CITIZEN, PERMIT, FOREIGNER_2017, FOREIGNER_2023)

SOCIAL = SocialCard(
    generation=3,
    name="王镕",
    number="11010519491231002X",
    birth=dt.date(1949, 12, 31),
    sex="2",
    nation="01",
    card_number="A12345678",
    issuer="330100000000000000000000",
    issued=dt.date(2020, 1, 2),
    expires=dt.date(2030, 1, 2),
)
ORGANISATION = CarrierCard(code="91110000600037341L", name="某某（北京）有限公司")

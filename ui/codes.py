"""Codes on cards and in records, as words for people: sex (GB/T 2261.1) and nation (GB 3304)."""

from typing import Final

from matters.model import Words

SEXES: Final[dict[str, Words]] = {
    "0": Words(zh="未知", en="unknown"),
    "1": Words(zh="男", en="male"),
    "2": Words(zh="女", en="female"),
    "9": Words(zh="未说明", en="not stated"),
}

_NATIONS: Final = (
    "汉 蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 佤 畲 高山 拉祜"
    " 水 东乡 纳西 景颇 柯尔克孜 土 达斡尔 仫佬 羌 布朗 撒拉 毛南 仡佬 锡伯 阿昌 普米 塔吉克 怒"
    " 乌孜别克 俄罗斯 鄂温克 德昂 保安 裕固 京 塔塔尔 独龙 鄂伦春 赫哲 门巴 珞巴 基诺"
)

NATIONS: Final[dict[str, str]] = {
    **{f"{code:02d}": name for code, name in enumerate(_NATIONS.split(), 1)},
    "97": "其他",
    "98": "外国血统中国籍",
}
"""The 56 nations by their two-digit code, with the two codes beyond them."""

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
    "汉 Han 蒙古 Mongol 回 Hui 藏 Tibetan 维吾尔 Uygur 苗 Miao 彝 Yi 壮 Zhuang 布依 Bouyei 朝鲜 Korean"
    " 满 Manchu 侗 Dong 瑶 Yao 白 Bai 土家 Tujia 哈尼 Hani 哈萨克 Kazak 傣 Dai 黎 Li 傈僳 Lisu 佤 Va"
    " 畲 She 高山 Gaoshan 拉祜 Lahu 水 Sui 东乡 Dongxiang 纳西 Naxi 景颇 Jingpo 柯尔克孜 Kirgiz 土 Tu"
    " 达斡尔 Daur 仫佬 Mulao 羌 Qiang 布朗 Blang 撒拉 Salar 毛南 Maonan 仡佬 Gelao 锡伯 Xibe"
    " 阿昌 Achang 普米 Pumi 塔吉克 Tajik 怒 Nu 乌孜别克 Ozbek 俄罗斯 Russian 鄂温克 Ewenki 德昂 Deang"
    " 保安 Bonan 裕固 Yugur 京 Gin 塔塔尔 Tatar 独龙 Derung 鄂伦春 Oroqen"
    " 赫哲 Hezhen 门巴 Monba 珞巴 Lhoba 基诺 Jino"
)

NATIONS: Final[dict[str, Words]] = {
    **{
        f"{code:02d}": Words(zh=zh, en=en)
        for code, (zh, en) in enumerate(zip(_NATIONS.split()[::2], _NATIONS.split()[1::2], strict=True), 1)
    },
    "97": Words(zh="其他", en="other"),
    "98": Words(zh="外国血统中国籍", en="Chinese citizen of foreign descent"),
}
"""The 56 nations by their two-digit code, with the two codes beyond them."""

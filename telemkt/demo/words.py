"""What the demo is made of: names, cities, products, the text of the scripts."""

from __future__ import annotations

SURNAMES = "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀英", "桂香", "建国",
    "志强", "海燕", "晓明", "雪梅", "文博", "子涵", "雨桐", "佳怡", "俊杰", "美玲", "少芬", "婉婷", "正雄", "嘉豪", "晓兰", "国栋",
]  # fmt: skip
WOMEN = {
    "芳",
    "娜",
    "敏",
    "静",
    "丽",
    "艳",
    "娟",
    "秀英",
    "桂香",
    "海燕",
    "雪梅",
    "雨桐",
    "佳怡",
    "美玲",
    "少芬",
    "婉婷",
    "晓兰",
}

REGION = "Guangdong"
REGION_ZH = "广东"
# code, English, Chinese, how well its agents sell, how good its numbers are
CITIES = [
    ("GZ", "Guangzhou", "广州", 1.06, 1.02),
    ("SZ", "Shenzhen", "深圳", 1.14, 0.97),
    ("FS", "Foshan", "佛山", 1.00, 1.05),
    ("DG", "Dongguan", "东莞", 0.88, 0.99),
    ("ZS", "Zhongshan", "中山", 0.97, 1.01),
    ("HZ", "Huizhou", "惠州", 0.82, 0.94),
]
TEAMS = [("A", "一组"), ("B", "二组")]

PLANS = ["4G 58", "4G 88", "5G 99", "5G 129", "家庭 129", "家庭 169"]
USES = ["上网", "长途", "漫游", "短视频", "通话"]
PAYERS = ["本人", "家人", "单位"]

# code, name, price in cents, selling points, mandatory statements, is a larger plan
PRODUCTS = [
    (
        "FTTH-500",
        "全家宽带提速 500M",
        14900,
        "500M 家庭宽带\n上门免费换路由器\n副卡两张",
        "合约 24 个月\n优惠期后每月 149 元\n7 天内可无条件取消",
        True,
    ),
    ("5G-FAM", "5G 家庭共享套餐", 16900, "全家共享 100G\n三人通话免费", "合约 12 个月\n超出流量 3 元每 GB", True),
    ("CARE-ADD", "手机关爱包", 1500, "屏幕碎裂免费换\n全国联保", "按月自动续费，可随时退订", False),
]

"""Creators, the named people of every role, and what they post, say and give away."""

from dougong.cli.demo.scene_brush import dice
from dougong.cli.demo.story_goods import PRODUCTS
from dougong.cli.demo.story_stores import STORES
from dougong.cli.demo.story_types import (
    Comment,
    Coupon,
    Creator,
    Funder,
    Person,
    Product,
    Text,
    Video,
)
from dougong.cli.demo.story_words import CAPTIONS, COMMENTS

# Two creators for each store, in the stores' order: handle | name zh | name en.
NAMES = """
chaxiaoman|茶小满|Xiaoman on Tea
laozhou_tea|老周喝茶|Zhou's Teapot
wanwan_home|碗碗的家|Wanwan at Home
kiln_axin|阿昕做陶|Axin Makes Pots
skin_luna|露娜护肤笔记|Luna Skin Notes
dr_shen|沈医生聊皮肤|Dr Shen on Skin
momo_lips|沫沫试色|Momo Tries Shades
linxi_face|林夕化妆间|Linxi's Mirror
chihuo_dan|吃货阿丹|Dan Eats All
xiangkou_mei|巷口小梅|Mei of the Lane
chufang_jun|厨房里的俊|Jun in the Kitchen
laofan_cook|老范下厨|Fan Cooks
shanye_he|山野小禾|He in the Hills
camp_qiu|阿秋露营|Qiu Goes Camping
wanju_papa|玩具爸爸|Toy Dad
xiaotu_play|小兔玩具柜|Bunny's Toy Shelf
shouzhang_ye|手帐叶子|Ye's Journal
xuexi_bei|学习贝贝|Beibei Studies
nuomi_mama|糯米妈妈|Nuomi's Mum
naiba_chen|奶爸陈陈|Chen the New Dad
maomao_tuan|毛毛团日常|Fluffball Days
gougou_ali|阿狸和狗|Ali and the Dog
shuma_kai|数码阿凯|Kai on Gadgets
xiaobai_tech|小白玩手机|Phones for Beginners
ruanruan_bed|软软起床了|Softly Awake
jujia_yun|居家云云|Yun at Home
suyi_qing|素衣阿青|Qing in Plain Cloth
chuanda_lei|穿搭蕾蕾|Lei's Outfits
paobu_feng|跑步的风|Feng Runs
xiebang_tao|鞋帮阿涛|Tao Knows Shoes
xingguang_ning|星光宁宁|Ning's Starlight
zhubao_lan|岚岚珠宝盒|Lan's Jewel Box
huahua_man|慢慢养花|Slow Gardener
yangtai_zhi|阳台阿芝|Zhi's Balcony
dushu_mo|墨墨读书|Momo Reads
dengxia_su|灯下苏苏|Su by Lamplight
tieguan_hao|铁馆阿豪|Hao Lifts
yujia_yi|瑜伽一一|Yiyi Yoga
jiadian_ma|家电小马|Ma Tests Machines
shenghuo_wen|生活家文文|Wen Lives Well
"""
BIOS = tuple(
    Text(*row.split("|"))
    for row in """
只推自己用完一整件的东西，合作会标明|I only show what I have used up myself, and say when it is paid
七年{zh}爱好者，慢慢讲，不着急|Seven years with {en}, told without hurry
每周二、五晚八点更新，评论必看|New on Tuesdays and Fridays at eight; I read every comment
把踩过的坑讲给你听|The mistakes I made, so that you need not
从爱好变成工作的普通人|An ordinary person whose hobby became a job
""".strip().splitlines()
)
TOPICS = {
    "food": Text("美食", "good food"),
    "home": Text("居家", "home life"),
    "beauty": Text("美妆", "beauty"),
    "sport": Text("运动", "sport"),
    "kids": Text("亲子", "family life"),
    "office": Text("文具", "stationery"),
    "pets": Text("萌宠", "pets"),
    "digital": Text("数码", "gadgets"),
    "fashion": Text("穿搭", "style"),
    "culture": Text("阅读", "reading"),
}
# The clips that suit each store's goods; numbers as in scenes.py.
CLIPS: dict[str, tuple[int, ...]] = {
    "mist-tea": (1, 2),
    "river-kiln": (3, 4),
    "dew-lab": (5, 6),
    "coral-hour": (7, 8),
    "crispy-lane": (9, 10),
    "iron-ladle": (11, 12),
    "ridge-line": (13, 14),
    "tin-toy": (15,),
    "paper-crane": (16,),
    "first-step": (17,),
    "good-paw": (18, 19),
    "pocket-lab": (20, 21),
    "soft-nest": (22,),
    "plain-weave": (23,),
    "foot-note": (24, 25),
    "tiny-orbit": (26,),
    "slow-bloom": (27,),
    "lamp-page": (28,),
    "iron-hour": (29,),
    "warm-volt": (30,),
}


def _creators() -> tuple[Creator, ...]:
    found = []
    for place, row in enumerate(NAMES.strip().splitlines()):
        handle, zh, en = row.split("|")
        store, other = STORES[place // 2], STORES[(place * 7 + 3) % len(STORES)]
        topic = TOPICS[store.category.split("/")[0]]
        bio = BIOS[place % len(BIOS)]
        words = Text(bio.zh.format(zh=topic.zh), bio.en.format(en=topic.en))
        codes = (store.code,) if other == store else (store.code, other.code)
        palette = store.art.palette if place % 2 == 0 else store.art.palette[::-1]
        found.append(Creator(handle, Text(zh, en), words, codes, palette))
    return tuple(found)


def _goods_of(store_code: str) -> list[Product]:
    return [product for product in PRODUCTS if product.store_code == store_code]


def _videos() -> tuple[Video, ...]:
    found = []
    for number in range(80):
        creator = CREATORS[number % len(CREATORS)]
        source = dice("video", number)
        main = creator.stores[0]
        clips = CLIPS[main]
        clip = clips[(number % 2 + number // len(CREATORS)) % len(clips)]
        goods = source.sample(_goods_of(main), source.randint(1, 3))
        line, name = CAPTIONS[(number * 3 + number // 8) % len(CAPTIONS)], goods[0].name
        caption = Text(line.zh.format(zh=name.zh), line.en.format(en=name.en))
        codes = tuple(product.code for product in goods)
        days = source.randint(0, 60)
        found.append(Video(f"v{number + 1:03d}", creator.handle, clip, caption, codes, days))
    return tuple(found)


def _comments() -> tuple[Comment, ...]:
    found: list[Comment] = []
    for video in VIDEOS:
        source = dice("comments", video.code)
        said = source.sample(COMMENTS, 1 + int(9 * source.random() ** 2))
        found.extend(Comment(video.code, source.choice(FANS), words) for words in said)
    return tuple(found)


def _coupons() -> tuple[Coupon, ...]:
    found = []
    for place, store in enumerate(STORES):
        off, least = ((1000, 9900), (2000, 19900), (500, 5900))[place % 3]
        found.append(_coupon("merchant", store.code, store.name, off, least))
    for words, off, least in (
        (Text("平台新人", "Welcome"), 800, 3900),
        (Text("平台满减", "Platform saver"), 3000, 29900),
        (Text("平台周末", "Weekend"), 1500, 14900),
        (Text("平台国庆", "National Day"), 5000, 49900),
    ):
        found.append(_coupon("platform", "platform", words, off, least))
    for creator in CREATORS[::5]:
        found.append(_coupon("creator", creator.handle, creator.name, 500, 6900))
    return tuple(found)


def _coupon(funder: Funder, owner: str, whose: Text, off: int, least: int) -> Coupon:
    code = f"{owner}-{off // 100}".upper().replace("_", "-")
    zh = f"{whose.zh}满{least // 100}减{off // 100}"
    en = f"{whose.en}: {off // 100} yuan off {least // 100}"
    return Coupon(code, funder, owner, Text(zh, en), off, least, 200 + off // 10)


FANS = (
    Text("早起的豆浆", "Early Soymilk"),
    Text("南方有小雨", "Southern Drizzle"),
    Text("一只橘子", "One Tangerine"),
    Text("周末不加班", "No Weekend Overtime"),
    Text("阿婆的孙女", "Granny's Girl"),
    Text("骑车去海边", "Cycling to the Sea"),
    Text("林间有鹿", "Deer in the Wood"),
    Text("今天也要加油", "Doing My Best"),
    Text("会飞的鱼丸", "Flying Fishball"),
    Text("半糖去冰", "Half Sugar No Ice"),
)
CREATORS = _creators()
VIDEOS = _videos()
COMMENTS_SAID = _comments()
COUPONS = _coupons()
PEOPLE = (
    Person(
        "shopper",
        "xu.jia",
        Text("许佳", "Xu Jia"),
        Text("个人", "Private person"),
        Text("杭州的小学老师，爱喝茶", "A primary school teacher in Hangzhou who loves tea"),
    ),
    Person(
        "creator",
        "chaxiaoman",
        Text("满晓雨", "Man Xiaoyu"),
        Text("茶小满工作室", "Xiaoman Studio"),
        Text("茶小满本人，讲茶七年", "The face of Xiaoman on Tea for seven years"),
    ),
    Person(
        "merchant",
        "ye.yunxiu",
        Text("叶云岫", "Ye Yunxiu"),
        Text("云岫茶社", "Mist Ridge Tea"),
        Text("福建茶农之女，开店五年", "A Fujian tea grower's daughter, five years a merchant"),
    ),
    Person(
        "advertiser",
        "gao.ming",
        Text("高鸣", "Gao Ming"),
        Text("晨露研究所", "Dew Lab"),
        Text("品牌投放负责人，也发任务", "Runs the brand's campaigns and posts tasks"),
    ),
    Person(
        "partner",
        "qian.lin",
        Text("钱琳", "Qian Lin"),
        Text("淘宝", "Taobao"),
        Text(
            "淘宝的商务经理，每年来谈一轮",
            "Taobao's business manager, who negotiates a round each year",
        ),
    ),
    Person(
        "operator",
        "luo.an",
        Text("罗安", "Luo An"),
        Text("斗拱运营组", "Dougong Operations"),
        Text("负责规则、结算与风控", "Looks after rules, settlement and risk"),
    ),
)

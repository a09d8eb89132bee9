"""Sentences that several goods, videos and comments of the demo market share."""

# ruff: noqa: E501 - a table with one row per line

from dougong.cli.demo.story_types import Text


def _texts(rows: str) -> tuple[Text, ...]:
    return tuple(Text(*row.split("|")) for row in rows.strip().splitlines())


PROMISES: dict[str, tuple[Text, ...]] = {
    "food": _texts("""
当季小批生产，下单后新鲜装袋。|Made in small seasonal batches and packed after you order.
原料产地写在包装背面，吃得明白。|The origin of every ingredient is printed on the back.
开封后请密封，放在阴凉干燥处。|Seal after opening and keep it somewhere cool and dry.
"""),
    "home": _texts("""
出厂前逐件检查，大小色泽略有差异属正常。|Each piece is checked by hand, so small differences are normal.
用料扎实，租房和新家都合适。|Solidly made, for a rented room or a new home.
样品在我们自己家里用了半年才上架。|We used the samples at home for half a year before selling them.
"""),
    "beauty": _texts("""
第一次使用前，请先在耳后试用。|Test behind the ear before first use.
不加香精和酒精，成分表全公开。|No added perfume or alcohol, and a full ingredient list.
空瓶寄回可换下一件的优惠。|Send back the empty for a discount on the next one.
"""),
    "sport": _texts("""
经过三个月实地测试，磨损处已经加固。|Tested outdoors for three months, with the wear points reinforced.
收纳小巧，周末说走就走。|Packs small, so a weekend can start at once.
新手也能用，附图文说明。|Friendly to beginners, with an illustrated guide.
"""),
    "kids": _texts("""
圆角无毛刺，通过国家儿童用品安全检测。|Rounded edges, tested to the national safety standard.
爸妈省心，孩子喜欢。|Easy for parents and loved by children.
材质可接触入口，清洗也方便。|Safe in small mouths and simple to clean.
"""),
    "office": _texts("""
纸张与墨水都反复试写过。|Paper and ink have been tried together again and again.
上课、开会、写日记都顺手。|At ease in class, in meetings and with a diary.
"""),
    "pets": _texts("""
由执业兽医参与配方和选材。|A practising vet helped to choose what goes in.
挑食的主子也先试后买，有小样。|Samples are available for the picky ones.
"""),
    "digital": _texts("""
兼容常见机型，详情见规格表。|Works with common models; see the specification table.
通过国家强制认证，一年换新。|Certified, with replacement for one year.
"""),
    "fashion": _texts("""
建议按平时尺码选择，介于两码请选大一码。|Take your usual size; between two, take the larger.
真人实拍，颜色以自然光图为准。|Photographed on real people, with colours as in daylight.
做工细节经得起近看。|The details stand up to a close look.
"""),
    "culture": _texts("""
纸张护眼，字号适合夜读。|Gentle paper and type that suits night reading.
店员每一本都读过才上架。|Our staff read every title before it goes on the shelf.
"""),
}
CARE = _texts("""
四十八小时内发货，七天无理由退换。|Ships within 48 hours, with seven days to return it.
江浙沪次日达，破损包赔。|Next day in the Yangtze delta, and breakage is covered.
送人自用都合适，可附手写卡片。|Fine as a gift or for yourself, with a handwritten card on request.
有问题随时找客服，真人回复。|Ask us anything; a person will answer.
附赠小样或贴纸，包装可回收。|Comes with a sample or sticker in recyclable packing.
""")
CAPTIONS = _texts("""
用了一个月才敢来说，{zh}真的值 #真实测评 #好物分享|A month in, and {en} really is worth it #honestreview #goodfinds
今天开箱{zh}，拆到第二层我笑了 #开箱 #沉浸式|Unboxing {en}: the second layer made me smile #unboxing #asmr
被问了八百遍的{zh}，链接放好了 #好物推荐 #回购清单|You kept asking about {en}, here it is #recommended #boughtagain
下班十分钟，{zh}把我治愈了 #下班日常 #治愈系|Ten minutes after work with {en} #afterwork #slowlife
三个同价位放一起比，我留下了{zh} #对比测评 #理性消费|Three at one price; I kept {en} #compared #buyless
送妈妈的{zh}，她发了朋友圈 #送礼清单 #妈妈喜欢|I gave Mum {en} and she posted it #giftideas #family
周末就和{zh}一起过 #周末去哪儿 #生活碎片|A weekend with {en} #weekend #littlethings
新手别踩坑，{zh}这样选 #新手指南 #干货|New to this? How to choose {en} #beginners #howto
""")
COMMENTS = _texts("""
昨天收到了，比视频里还好看|Arrived yesterday and it looks even better than the video
已经回购第三次，家里人都爱|Third time buying, the whole family loves it
请问有小号吗？想送侄女|Is there a small one? It is for my niece
物流好快，周五下单周六就到|So quick: ordered on Friday, here on Saturday
包装很用心，没有一点破损|Packed with care, not a scratch
价格再降一点我就买两份|A little cheaper and I would take two
作者讲得清楚，不吹不黑|Clear and fair, no hype
颜色和图片有一点点色差，但能接受|The colour is slightly off the picture, still fine
这个背景音乐是什么？太舒服了|What is that music? So calming
蹲一个优惠券|Waiting for a coupon
求出一期清洗保养的视频|Please make one about cleaning and care
被种草了，今晚下单|Sold. Ordering tonight
客服态度超好，换码当天就处理|Lovely support, my exchange was done the same day
学生党表示攒一攒也要买|Student budget, saving up for this
用了半年来追评，依然很稳|Six months later and still going strong
我妈抢走了我的，只好再买一个|Mum took mine, so I need another
终于有人把这个讲明白了|At last someone explains this properly
细节拍得好棒，关注了|Beautiful close-ups, followed
""")

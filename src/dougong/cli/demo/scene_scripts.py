"""The thirty clips: what each shows, how it moves and what it says."""

# ruff: noqa: E501 - a table with one row per line

from dougong.cli.demo.scene_stage import Script
from dougong.cli.demo.story_stores import LABELS, STORES

# number | store | movement | seconds | things | mood | particles | captions as zh=en, in turn
ROWS = """
1|mist-tea|steam|7|teacup|dark|sparks|一杯春天=A cup of spring;慢慢喝=Drink it slowly;云岫新茶到了=The new harvest is here
2|mist-tea|pour|7|kettle teacup tea_tin|light|leaves|水温八十五度=Water at 85 °C;高冲三秒=Pour high for three seconds;茶香就来了=And there is the aroma
3|river-kiln|turntable|6|vase|light|dots|转一圈看釉色=Watch the glaze turn;每只都不同=No two are alike
4|river-kiln|orbit|7|bowl plate mug teacup|dark|sparks|一家人的碗=Bowls for a family;新居一次配齐=A new home, all at once
5|dew-lab|fly_in|7|serum jar plant sheet_mask tube|light|dots|里面有什么？=What is inside?;神经酰胺=Ceramides;积雪草=Centella
6|dew-lab|before_after|7|jar|light|none|用了二十八天=After 28 days;看看差别=See the difference
7|coral-hour|swatches|7|lipstick|light|none|四支试色=Four shades tried;黄皮放心冲=Kind to warm skin
8|coral-hour|close_up|7|palette|dark|sparks|八色看细节=Eight pans, up close;五分钟通勤眼妆=A five-minute eye
9|crispy-lane|drop_stack|6|pouch box pouch can pouch|light|dots|追剧必备=For a long series;咔嚓咔嚓=Crunch, crunch
10|crispy-lane|price_pop|6|pouch|light|sparks|今天便宜一半=Half the price today;囤起来！=Stock up!
11|iron-ladle|steps|8|knife pan plate|light|none|三步煎蛋=Eggs in three steps;不粘，真不粘=It really does not stick
12|iron-ladle|steam|6|pot|light|dots|小火四十分=Forty minutes, low heat;汤浓肉烂=Rich broth, tender meat
13|ridge-line|mountains|8|tent|dark|sparks|把周末还给山=Give the weekend to the hills;看星星去=Let us go and see stars
14|ridge-line|rays|6|backpack|light|leaves|背上就走=Put it on and go;四十升，一公斤=40 litres, one kilogram
15|tin-toy|unbox|7|robot|light|dots|箱子里是谁？=Who is in the box?;豆豆机器人！=Doudou the robot!
16|paper-crane|turntable|6|notebook|light|leaves|今年写满它=Fill it this year;一天一页=A page a day
17|first-step|fly_in|7|baby_bottle plush blocks towel|light|petals|新生儿清单=A newborn's list;这几样就够=These will do
18|good-paw|chase|7|can|light|none|罐头别跑！=Come back, can!;抓到啦=Caught it
19|good-paw|countdown|6|can|dark|sparks|开饭倒计时=Dinner in…;主子请用=Dinner is served
20|pocket-lab|colour_swap|7|phone_case|light|none|今天换哪个色？=Which colour today?;四色都好看=All four look good
21|pocket-lab|rays|6|earbuds|dark|sparks|世界安静了=The world goes quiet;降噪四十八分贝=48 dB of calm
22|soft-nest|drop_stack|6|pillow towel pillow pillow towel|light|petals|软到陷进去=So soft you sink in;回家先抱它=Hug it when you get home
23|plain-weave|colour_swap|7|tshirt|dark|dots|一件穿四季=One tee, four seasons;重磅不透=Heavy and never sheer
24|foot-note|walk|7|sneaker|light|none|走，出门=Come on, out we go;五公里不累=Five kilometres, no ache
25|foot-note|price_pop|6|boot|dark|sparks|换季第一双=First pair of the season;只在今晚=Tonight only
26|tiny-orbit|close_up|7|ring|dark|sparks|星光戴在手上=Starlight on your hand;六爪不勾丝=Six claws, no snags
27|slow-bloom|rays|7|bouquet|light|petals|每周一束=One bouquet a week;花开不着急=Flowers are in no hurry
28|lamp-page|rain|8|book|dark|none|雨天适合读书=Rain is for reading;今晚读几页=A few pages tonight
29|iron-hour|countdown|6|dumbbell|light|dots|三二一，开练=Three, two, one, lift;每天一小时=One hour a day
30|warm-volt|lights|7|lamp mug|dark|none|开灯的一瞬=The moment it lights up;小电器大舒服=Small thing, great comfort
"""


def _script(row: str) -> Script:
    number, store_code, move, seconds, things, mood, particles, said = row.split("|")
    store = next(store for store in STORES if store.code == store_code)
    lines = [line.split("=") for line in said.split(";")]
    return Script(
        number=int(number),
        move=move,
        seconds=float(seconds),
        things=tuple(things.split()),
        palette=store.art.palette,
        label=LABELS[store_code],
        mood=mood,
        particles=particles,
        lines=tuple((zh, en) for zh, en in lines),
    )


SCRIPTS: dict[int, Script] = {
    script.number: script for script in map(_script, ROWS.strip().splitlines())
}

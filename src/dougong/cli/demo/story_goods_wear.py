"""Goods of the clothes, shoe, textile and phone stores."""

GOODS = {
    "plain-weave": """
重磅纯棉T恤|二百六十克新疆棉，洗后不变形|89|tshirt|size_colour
Heavyweight Cotton T-Shirt|260 g Xinjiang cotton that keeps its shape
冰丝凉感短袖|上身降三度的触感|79|tshirt|size_colour
Cool-Touch Short Sleeve|Feels three degrees cooler on
水洗复古印花T恤|像穿了三年的柔软|99|tshirt|size_colour
Washed Vintage Print Tee|As soft as if worn for three years
亲子条纹T恤|大人小孩同款|69|tshirt|size_colour
Family Striped Tee|The same stripe for parent and child
圆领打底衫|领口不松垮|65|tshirt|size_colour
Crew-Neck Base Layer|A collar that does not sag
加绒连帽卫衣|内里奶绒，冬天单穿够|159|hoodie|size_colour
Fleece-Lined Hoodie|Soft inside and warm enough alone in winter
毛圈薄款卫衣|春秋通勤刚好|129|hoodie|size_colour
Light Loopback Hoodie|Right for spring and autumn commutes
落肩廓形卫衣|遮肉显比例|149|hoodie|size_colour
Drop-Shoulder Hoodie|A roomy cut that flatters
户外防泼水连帽衫|小雨一抖就干|199|hoodie|size_colour
Water-Shedding Hooded Top|Shakes dry after light rain
碎花茶歇裙|收腰大摆，转圈很好看|189|dress|size_colour
Floral Tea Dress|Fitted waist and a skirt made to twirl
法式吊带长裙|垂坠感面料，度假随手一件|209|dress|size_colour
French Slip Dress|Fluid fabric for an easy holiday
新中式盘扣连衣裙|提花暗纹，上班也能穿|269|dress|size_colour
Modern Qipao-Button Dress|A quiet jacquard fit for the office
小雏菊背心裙|清爽棉麻，不闷汗|139|dress|size_colour
Daisy Pinafore Dress|Airy cotton and linen
帆布通勤双肩包|十四寸电脑刚好放下|129|backpack|colour
Canvas Commuter Backpack|Fits a fourteen-inch laptop
衣橱换季礼盒|T恤两件加卫衣一件|279|box|size_colour
Season Wardrobe Box|Two T-shirts and one hoodie
""",
    "foot-note": """
云朵缓震跑鞋|回弹中底，五公里不累脚|329|sneaker|shoe
Cloud Cushion Runner|A springy midsole for an easy five kilometres
城市漫步板鞋|耐磨大底，百搭白边|239|sneaker|shoe
City Walk Court Shoe|A hard-wearing sole and a white rim that goes with all
透气网面健步鞋|爸妈也说轻|199|sneaker|shoe
Breathable Mesh Walker|Light enough that parents notice
复古拼色老爹鞋|增高三厘米不显笨|269|sneaker|shoe
Retro Colour-Block Trainer|Three centimetres taller without the bulk
竞速碳板跑鞋|为比赛日准备|599|sneaker|shoe
Carbon Plate Racer|Saved for race day
轻量训练鞋|深蹲不晃，跳绳不沉|289|sneaker|shoe
Light Training Shoe|Steady for squats and quick for rope
一脚蹬休闲鞋|不用弯腰系鞋带|169|sneaker|shoe
Slip-On Leisure Shoe|No bending down for laces
儿童防滑运动鞋|魔术贴，自己就能穿|149|sneaker|kid
Kids' Grip Sneaker|A strap that small hands can manage
麂皮德训鞋|素净配色，秋冬出片|299|sneaker|shoe
Suede Trainer|Quiet colours that photograph well in autumn
越野溯溪鞋|排水孔设计，上岸就干|259|sneaker|shoe
River Trail Shoe|Drains as soon as you step ashore
英伦马丁靴|头层牛皮，鞋型越穿越合|399|boot|shoe
British Lace-Up Boot|Full-grain leather that moulds to the foot
防水徒步靴|中帮护踝，雨天不湿袜|449|boot|shoe
Waterproof Hiking Boot|Ankle support and dry socks in rain
羊毛内里雪地靴|零下二十度也暖|279|boot|shoe
Wool-Lined Snow Boot|Warm at twenty below
复古工装靴|牛筋底，配牛仔裤一绝|359|boot|shoe
Heritage Work Boot|A gum sole that was made for jeans
鞋履护理礼盒|清洁泡沫、毛刷、防水喷雾|79|box|single
Shoe Care Box|Foam, brush and waterproof spray
""",
    "soft-nest": """
云感慢回弹枕|贴合颈部，侧睡也舒服|129|pillow|height
Cloud Memory Pillow|Follows the neck, even for side sleepers
荞麦护颈枕|透气不闷头|99|pillow|height
Buckwheat Neck Pillow|Breathes through the night
北欧几何抱枕|沙发换个心情|49|pillow|colour
Nordic Geometric Cushion|A new mood for the sofa
灯芯绒腰靠|久坐办公室的靠山|69|pillow|colour
Corduroy Lumbar Cushion|Support for long office days
天鹅绒圆边抱枕|手感像猫|59|pillow|colour
Velvet Piped Cushion|As soft as a cat
儿童卡通记忆枕|三到八岁高度|89|pillow|colour
Kids' Memory Pillow|The right height from three to eight
长绒棉毛巾三条装|吸水快不掉毛|59|towel|colour
Long-Staple Towel Trio|Quick to absorb and lint-free
加厚酒店浴巾|一裹就暖|79|towel|colour
Hotel-Weight Bath Towel|One wrap and you are warm
新疆棉四件套|六十支贡缎，裸睡级|399|towel|bed
Xinjiang Cotton Bed Set|Sixty-count sateen, soft enough to skip pyjamas
水洗亚麻床笠|夏天不贴身|189|towel|bed
Washed Linen Fitted Sheet|Never clings in summer
华夫格盖毯|午睡和追剧都需要|119|towel|colour
Waffle Throw|For naps and long series
纱布六层婴童浴巾|越洗越软|69|towel|colour
Six-Layer Gauze Towel|Softer with every wash
蚕丝薄被|一斤桑蚕丝，空调房刚好|499|towel|bed
Light Silk Quilt|500 g of mulberry silk for air-conditioned rooms
亚麻格纹抱枕|天然褶皱就是好看|65|pillow|colour
Linen Check Cushion|The creases are part of the charm
乔迁家纺礼盒|毛巾、抱枕、盖毯一盒装|299|box|single
Housewarming Textile Box|Towels, a cushion and a throw
""",
    "pocket-lab": """
撞色磁吸手机壳|磁力稳，支架充电都吸得住|59|phone_case|phone
Colour-Pop Magnetic Case|Holds stands and chargers firmly
波点防摔手机壳|四角气囊，一米五不怕|45|phone_case|phone
Polka Drop-Proof Case|Corner cushions for falls of 1.5 metres
液态硅胶手机壳|手感像鹅卵石|39|phone_case|phone
Liquid Silicone Case|Smooth as a pebble
国风山水手机壳|磨砂浮雕，不沾指纹|55|phone_case|phone
Ink Landscape Case|Frosted relief without fingerprints
卡包二合一手机壳|出门只带手机|69|phone_case|phone
Card Wallet Case|Leave home with only a phone
叶脉透明手机壳|不发黄的新材料|49|phone_case|phone
Leaf-Vein Clear Case|A new material that does not yellow
65瓦氮化镓充电头|电脑手机一起充|129|charger|colour
65 W GaN Charger|Laptop and phone at once
30瓦迷你快充头|口红大小，出差必带|69|charger|colour
30 W Mini Fast Charger|The size of a lipstick, made for travel
双口旅行充电器|折叠插脚不刮包|89|charger|colour
Dual-Port Travel Charger|Folding pins that spare the bag
编织快充线套装|弯折三万次不断|39|charger|length
Braided Fast Cable Kit|Bent thirty thousand times without a break
半入耳蓝牙耳机|通勤六小时续航|149|earbuds|colour
Half-In Bluetooth Earbuds|Six hours for commuting
主动降噪耳机|地铁瞬间安静|299|earbuds|colour
Noise-Cancelling Earbuds|The metro goes quiet at once
运动挂耳耳机|跑步不掉，防汗|199|earbuds|colour
Sport Hook Earbuds|Stay put on a run and shrug off sweat
睡眠小耳机|侧躺不硌耳|169|earbuds|colour
Sleep Earbuds|Comfortable lying on your side
数码出行礼盒|充电头、线、手机壳一次配齐|189|box|phone
Digital Travel Box|Charger, cable and case together
""",
}

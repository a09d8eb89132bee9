"""Goods of the tea, table, snack and kitchen stores; see story_goods.py for the notation."""

GOODS = {
    "mist-tea": """
狮峰明前龙井|一芽一叶，清明前手采，豆香清甜|168|tea_tin|weight
Lion Peak Longjing|One bud and one leaf, picked by hand before Qingming, with a sweet chestnut aroma
武夷正岩肉桂|三坑两涧的岩韵，桂皮香明显|198|tea_tin|weight
Wuyi Cinnamon Rock Oolong|Mineral depth from the old gorges, with a clear cinnamon finish
福鼎白毫银针|芽头肥壮，毫香蜜韵|236|tea_tin|weight
Silver Needle White Tea|Plump downy buds with a honeyed, hay-like softness
凤凰单丛鸭屎香|花香高扬，回甘快而持久|158|pouch|weight
Phoenix Dancong Oolong|High floral notes and a sweetness that returns quickly and stays
祁门红茶特级|蜜糖与兰花香，汤色红亮|128|tea_tin|weight
Keemun Black, Special Grade|Honey and orchid in a bright red cup
古树普洱熟茶|陈香厚滑，适合饭后慢饮|188|pouch|weight
Old-Tree Ripe Pu'er|Smooth, earthy and made for slow cups after dinner
安溪清香铁观音|兰花香清雅，七泡有余香|118|tea_tin|weight
Anxi Light Tieguanyin|A clean orchid scent that lasts through seven infusions
蒙顶甘露|嫩芽卷曲披毫，鲜爽甘甜|138|tea_tin|weight
Mengding Sweet Dew|Curled downy buds, fresh and gently sweet
茉莉龙珠|七窨一提，手工搓成小珠|98|pouch|weight
Jasmine Dragon Pearls|Hand-rolled pearls scented seven times with fresh blossom
桂花乌龙|秋桂与冻顶乌龙同窨|78|pouch|weight
Osmanthus Oolong|Autumn osmanthus blended with a green Dongding oolong
陈皮白茶小方片|五年新会陈皮，一片一泡|88|pouch|pack
Tangerine-Peel White Tea Squares|Five-year Xinhui peel, one square for one pot
冷泡茉莉绿茶包|冷水十分钟出味|49|pouch|pack
Cold-Brew Jasmine Green Bags|Ready in cold water after ten minutes
手绘花神盖碗|薄胎白瓷，不烫手的翻口|168|teacup|colour
Hand-Painted Blossom Gaiwan|Thin white porcelain with a flared rim that stays cool
主人杯小雅|斗笠形，聚香留韵|88|teacup|colour
Xiaoya Tasting Cup|A wide bamboo-hat shape that gathers the aroma
四时茶礼盒|春夏秋冬四款茶各一罐|328|box|single
Four Seasons Tea Gift Box|One tin each for spring, summer, autumn and winter
""",
    "river-kiln": """
青釉折沿汤碗|折沿好端，盛面刚刚好|58|bowl|colour
Celadon Folded-Rim Soup Bowl|Easy to hold and just right for noodles
雪斑日式饭碗|釉面落雪般的斑点|39|bowl|colour
Snow-Speckle Rice Bowl|Flecks in the glaze like first snow
窑变拉面大碗|每只流釉都不相同|79|bowl|colour
Kiln-Change Ramen Bowl|The glaze runs differently on every piece
缠枝花圆盘|釉下彩绘，洗不掉的花边|69|plate|size
Trailing-Blossom Round Plate|Underglaze painting that never washes away
早午餐浅盘|十寸大盘，一人食也有仪式感|62|plate|size
Brunch Shallow Plate|A generous ten-inch plate for a proper meal alone
海棠点心碟|四寸小碟，装果干正好|29|plate|colour
Begonia Dessert Saucer|Four inches, sized for dried fruit and sweets
手捏马克杯|杯身留着拉坯的指纹|75|mug|colour
Hand-Pinched Mug|The potter's finger marks are left on the wall
条纹咖啡杯|320毫升，双手捧着很暖|65|mug|colour
Striped Coffee Mug|320 ml, warm to hold in both hands
家人对杯|一大一小，刻字可选|138|mug|set
Family Mug Pair|One large and one small, with space for a name
双色小口瓶|一枝花就很好看|88|vase|colour
Two-Tone Bud Vase|A single stem is enough
河石花器|磨砂釉，像被水冲过的石头|128|vase|size
River-Stone Vase|A matte glaze like a pebble worn by water
柴烧梅瓶|三天三夜柴火落灰|268|vase|size
Wood-Fired Plum Vase|Ash from three days and nights of firing
牡丹小茶盏|薄口聚香|56|teacup|colour
Peony Tea Bowl|A thin lip that gathers the scent
圆肚带盖汤锅|陶土慢炖，锁住汤味|198|pot|size
Round Lidded Stew Pot|Slow clay cooking that keeps the broth rich
新居餐具礼盒|四碗四盘两杯，一次配齐|399|box|single
New Home Tableware Box|Four bowls, four plates and two mugs in one go
""",
    "crispy-lane": """
每日坚果小包|七种坚果果干，一天一袋|69|pouch|pack
Daily Nut Sachets|Seven nuts and fruits, one sachet a day
海盐焗腰果|越南大颗腰果，低温慢焗|45|pouch|flavour
Sea-Salt Baked Cashews|Large Vietnamese cashews, slowly baked
炭烤猪肉脯|薄如纸，透光可见肉纹|39|pouch|flavour
Charcoal Pork Jerky|Thin as paper, with the grain showing against the light
手撕牛肉干|内蒙古草原牛后腿肉|68|pouch|flavour
Hand-Torn Beef Jerky|Hind leg of grass-fed Inner Mongolian beef
冻干草莓脆|整颗草莓锁鲜，入口即化|32|pouch|weight
Freeze-Dried Strawberry Crisps|Whole berries that melt on the tongue
云南鲜花饼|现烤酥皮，食用玫瑰馅|36|box|pack
Yunnan Rose Cakes|Flaky pastry around edible rose filling
藤椒锅巴|手工切块，麻香够劲|19|pouch|flavour
Green-Pepper Rice Crusts|Hand-cut, numbing and moreish
芝麻核桃软糕|少糖，老人孩子都嚼得动|42|box|pack
Sesame Walnut Soft Cake|Low in sugar and soft enough for any age
焦糖爆米花|蘑菇形大颗，每颗裹满焦糖|26|pouch|flavour
Caramel Popcorn|Big mushroom kernels, coated all over
虾片薯脆|真虾肉，咔嚓一声|22|pouch|flavour
Prawn Potato Crisps|Made with real prawn, and loud to bite
芒果干厚切|菲律宾芒果，软糯带酸|29|pouch|weight
Thick-Cut Dried Mango|Philippine mango, soft with a little tartness
黑巧燕麦块|可可含量七成二|35|box|pack
Dark Chocolate Oat Bites|Seventy-two per cent cocoa
盐津梅子|古法腌晒，生津解腻|18|can|single
Salt-Cured Plums|Sun-cured the old way to refresh the palate
紫薯山药粥罐|开盖即食，不加糖精|49|can|pack
Purple Yam Porridge Cans|Open and eat, with no artificial sweetener
追剧零食大礼包|十八包不重样，一晚吃不完|99|box|single
Binge-Watch Snack Box|Eighteen packs, no two the same
""",
    "iron-ladle": """
钛晶不粘煎锅|不沾蛋，不用多放油|159|pan|size
Titanium Crystal Frying Pan|Eggs slide off with almost no oil
老铁匠手工炒锅|千次锻打，越用越润|299|pan|size
Old Smith Hand-Forged Wok|Beaten a thousand times and better with use
麦饭石玉子烧锅|方形小锅，早餐五分钟|79|pan|colour
Stone-Coated Omelette Pan|A small pan for a five-minute breakfast
牛排铸铁煎盘|厚底蓄热，焦香锁汁|188|pan|size
Cast-Iron Steak Skillet|A thick base holds heat for a dark crust
珐琅炖锅|锅盖回流水珠，汤更浓|329|pot|colour
Enamel Casserole|Droplets under the lid baste the stew
宝宝奶锅|小小一口，煮面热奶都行|89|pot|colour
Little Milk Pan|Small enough for one bowl of noodles or warm milk
三层不锈钢汤锅|受热均匀，电磁炉也能用|219|pot|size
Tri-Ply Steel Stockpot|Even heat on gas and induction
月光三德刀|切肉切菜一把够|139|knife|single
Moonlight Santoku Knife|One blade for meat and vegetables
面包锯齿刀|软吐司切面不掉渣|69|knife|single
Serrated Bread Knife|Clean slices even from soft milk bread
竹砧板刀具套装|一板一刀，小厨房起步|99|knife|set
Bamboo Board and Knife Set|One board and one knife to start a small kitchen
水果小刀礼装|带鞘轻便，办公室也能用|39|knife|colour
Sheathed Fruit Knife|Light, covered and fit for the office
复古搪瓷大口杯|耐摔耐烫，露营也好看|35|mug|colour
Retro Enamel Mug|Hard to break and good-looking at camp
玻璃盖蒸锅|一锅两层，鱼和馒头一起蒸|169|pot|size
Glass-Lid Steamer|Two tiers for fish and buns together
分格备餐盘|五格小料，备菜不手忙脚乱|29|plate|set
Five-Part Prep Plate|Room for every garnish before the wok is hot
新厨三件套礼盒|炒锅、汤锅、刀，一步到位|599|box|single
First Kitchen Trio Box|A wok, a pot and a knife in one step
""",
}

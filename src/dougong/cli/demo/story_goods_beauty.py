"""Goods of the skincare, make-up, jewellery and flower stores."""

GOODS = {
    "dew-lab": """
玻尿酸水光精华|三重分子补水，清爽不黏|129|serum|volume
Hyaluronic Dew Serum|Three molecule sizes of moisture without stickiness
烟酰胺透亮精华|5% 烟酰胺，提亮暗沉|139|serum|volume
Niacinamide Glow Serum|Five per cent niacinamide for dull skin
早 C 抗氧精华|稳定型维 C，早上用更精神|168|serum|volume
Morning C Antioxidant Serum|Stable vitamin C for the start of the day
晚安视黄醇精华油|微囊缓释，新手也友好|188|serum|volume
Goodnight Retinol Oil|Slow-release capsules, kind to beginners
神经酰胺修护面霜|换季泛红时的安心之选|159|jar|volume
Ceramide Repair Cream|A calm choice when the seasons turn
积雪草舒缓凝霜|冰凉质地，晒后敷十分钟|109|jar|volume
Cica Calming Gel Cream|Cool to the touch, ten minutes after sun
睡眠弹力面膜|睡前厚涂，晨起不用洗|119|jar|volume
Overnight Bounce Mask|Spread thickly at night, nothing to rinse
氨基酸洁面乳|泡沫绵密，洗后不紧绷|69|tube|volume
Amino Acid Cleanser|Dense foam that leaves no tightness
水感防晒乳|SPF50+，成膜快不搓泥|89|tube|volume
Water-Light Sunscreen|SPF 50+, sets fast and does not pill
山茶花护手霜|推开即化，不留指纹|39|tube|scent
Camellia Hand Cream|Melts in and leaves no fingerprints
果酸温和去角质啫喱|一周一次，鼻翼更平滑|79|tube|volume
Gentle Fruit-Acid Peel|Once a week for a smoother nose
二裂酵母舒缓面膜|天丝膜布，贴合不滑落|99|sheet_mask|pack
Bifida Soothing Sheet Mask|Fine lyocell that clings without sliding
胶原晚安涂抹泥膜|清洁不拔干，T 区专用|88|jar|volume
Collagen Clay Mask|Cleans the T-zone without stripping it
蓝铜肽眼周面膜|加班次日的急救贴|75|sheet_mask|pack
Copper Peptide Eye Patches|First aid for the day after overtime
换季维稳礼盒|洁面、精华、面霜一套到位|369|box|single
Season-Change Care Box|Cleanser, serum and cream that work together
""",
    "coral-hour": """
落日丝绒口红|哑光不拔干，显白的砖红|99|lipstick|shade
Sunset Velvet Lipstick|Matte without dryness, in flattering brick reds
水镜唇釉|玻璃光泽，三小时不黏发|79|lipstick|shade
Water Mirror Lip Glaze|A glassy shine that hair does not stick to
奶茶裸色口红|素颜也能涂的日常色|89|lipstick|shade
Milk Tea Nude Lipstick|An everyday colour that needs no make-up
变色润唇膏|随体温变成你的粉|49|lipstick|shade
Colour-Change Lip Balm|Turns your own pink as it warms
黄昏八色眼影盘|哑光与细闪，新手也能晕染|139|palette|shade
Dusk Eight-Pan Eyeshadow|Mattes and fine shimmer that blend easily
大地色日常盘|通勤五分钟眼妆|119|palette|shade
Earth Everyday Palette|A five-minute commute eye
桃子腮红盘|一扫像刚散步回来|89|palette|shade
Peach Blush Palette|One sweep, as if back from a walk
修容高光一盘|鼻影、高光、修容全在里面|109|palette|shade
Contour and Glow Palette|Nose shade, highlight and contour in one
持妆粉底液|油皮八小时不斑驳|149|serum|shade
All-Day Foundation|Eight even hours on oily skin
妆前柔焦乳|毛孔隐形，后续不搓泥|85|tube|volume
Soft-Focus Primer|Blurs pores and stays smooth under base
定妆蜜粉罐|粉质细到看不见|99|jar|shade
Loose Setting Powder|Milled too fine to see
眉笔双头款|一头描一头扫，野生眉三步|39|pen|shade
Two-Ended Brow Pencil|Draw, brush and done in three steps
速干眼线笔三支装|极细笔尖，揉眼也不晕|59|pen|set
Quick-Dry Liner Trio|A fine tip that survives rubbed eyes
卸妆膏|乳化快，眼唇可用|79|jar|volume
Melt-Away Cleansing Balm|Rinses quickly, safe for eyes and lips
约会妆限定礼盒|口红、腮红、眼影各一|299|box|single
Date Night Limited Box|A lipstick, a blush and a shadow palette
""",
    "tiny-orbit": """
星轨莫桑石戒指|六爪镶嵌，日常佩戴不勾丝|299|ring|ring
Star Trail Moissanite Ring|Six claws that do not snag
细金叠戴戒|一只简单，三只好看|129|ring|ring
Slim Gold Stacking Ring|Simple alone, lovely in threes
海蓝宝开口戒|开口可调，送人不怕错|199|ring|colour
Aquamarine Open Ring|Adjustable, so a gift cannot be wrong
守护玫瑰石戒指|粉晶蛋面，温柔显手白|169|ring|ring
Rose Quartz Keeper Ring|A soft pink cabochon that flatters the hand
月光石水滴项链|锁骨链长，随光泛蓝|219|necklace|colour
Moonstone Drop Necklace|Collarbone length with a blue flash
祖母绿复古吊坠|切面仿古，衬衫领也能戴|259|necklace|colour
Vintage Emerald Pendant|An antique cut that suits a shirt collar
小星球项链|中间的小球会转|159|necklace|colour
Little Planet Necklace|The tiny globe in the middle turns
生辰石项链|十二个月份，十二种颜色|189|necklace|colour
Birthstone Necklace|Twelve months in twelve colours
澄海珍珠耳钉|淡水珠手工配对|139|earrings|size
Clear Sea Pearl Studs|Freshwater pearls matched by hand
几何圈圈耳环|轻到忘记戴着|89|earrings|colour
Geometric Loop Earrings|Light enough to forget
法式玻璃耳坠|手烧琉璃，颗颗不同|99|earrings|colour
French Glass Drops|Hand-fired glass, no two alike
通勤小耳钉三对|周一到周五不重样|79|earrings|set
Commuter Stud Trio|Enough variety for the working week
细闪锁骨链|单层极简，洗澡不用摘|119|necklace|single
Fine Shimmer Chain|One thin layer that can stay on in the shower
银饰养护礼盒|擦银布加软毛刷|49|box|single
Silver Care Box|A polishing cloth and a soft brush
对戒纪念礼盒|内圈可刻两行字|469|box|single
Keepsake Couple Rings Box|Two lines engraved inside
""",
    "slow-bloom": """
莫奈花园混搭花束|玫瑰、洋桔梗与小雏菊|168|bouquet|size
Monet Garden Bouquet|Roses, lisianthus and small daisies
落日向日葵花束|毕业照里最亮的那一束|139|bouquet|size
Sunset Sunflower Bouquet|The brightest thing in a graduation photo
厄瓜多尔玫瑰礼束|花头大，瓶插十天|299|bouquet|colour
Ecuadorian Rose Bouquet|Large heads that last ten days in water
母亲节康乃馨|卡片可代写|129|bouquet|colour
Mother's Day Carnations|We write the card for you
每周一束鲜花订阅|四周四次，周五送达|199|bouquet|pack
Weekly Flower Subscription|Four weeks, delivered on Fridays
蓝风铃小花束|放在书桌刚刚好|79|bouquet|colour
Bluebell Posy|Just the size for a desk
永生花玻璃罩|三年不谢的一朵|219|bouquet|colour
Preserved Bloom Dome|One flower that keeps for three years
白掌水培小盆|净化空气，不招虫|39|plant|colour
Peace Lily in Water|Easy on the air and free of insects
龟背竹客厅大盆|叶片舒展，浇水一周一次|158|plant|size
Monstera Floor Plant|Broad leaves, watered once a week
蝴蝶兰组合盆栽|春节摆到清明|268|plant|colour
Moth Orchid Planter|In flower from New Year to spring
多肉拼盘|六种小肉，晒太阳就会胖|59|plant|set
Succulent Tray|Six kinds that only ask for sun
香草厨房三盆组|罗勒、薄荷、迷迭香|69|plant|set
Kitchen Herb Trio|Basil, mint and rosemary
陶土透气花盆|底孔大，不积水|35|plant|size
Breathing Terracotta Planter|A wide drain hole, never waterlogged
枯枝侘寂花瓶|配干花更有味道|98|vase|colour
Quiet Branch Vase|Made for dried stems
花艺入门礼盒|花剪、保鲜剂与教程卡|119|box|single
Flower Arranging Starter Box|Shears, flower food and lesson cards
""",
}

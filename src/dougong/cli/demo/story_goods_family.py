"""Goods of the baby, pet, fitness and small appliance stores."""

GOODS = {
    "first-step": """
防胀气宽口奶瓶|仿母乳流速，新生儿接受快|89|baby_bottle|volume
Anti-Colic Wide Bottle|A natural flow that newborns accept
玻璃初生奶瓶|高硼硅，可煮可蒸|69|baby_bottle|volume
Glass Newborn Bottle|Borosilicate that can be boiled or steamed
学饮杯两用奶瓶|从喝奶到喝水一只搞定|79|baby_bottle|colour
Two-Stage Training Bottle|From milk to water with one cup
硅胶软身奶瓶|摔不碎，捏着喝|75|baby_bottle|volume
Soft Silicone Bottle|Cannot shatter and gentle to squeeze
纱布包被三条|透气柔软，四季可盖|99|towel|colour
Gauze Swaddles, Three|Soft and breathable all year
婴儿洗脸巾组|小手小脸专用|45|towel|colour
Baby Face Cloths|Sized for small hands and faces
纯棉婴儿连衣|无骨缝线不磨皮肤|69|tshirt|baby
Cotton Baby Top|Flat seams that never rub
宝宝外出双肩妈咪包|奶瓶湿巾各有位置|199|backpack|colour
Day-Out Nappy Backpack|A place for bottles and for wipes
辅食研磨碗|吸盘底，不怕打翻|49|bowl|colour
Baby Food Suction Bowl|Stays where it is put
婴儿润肤面霜|无香无色，换季不红|65|jar|volume
Baby Face Cream|No scent, no colour, no redness
手口柔湿巾|八十抽加盖，不连抽|29|sheet_mask|pack
Hand and Mouth Wipes|Eighty with a lid, one at a time
陪睡安抚小兔|口水巾二合一|59|plush|colour
Sleepy Comfort Rabbit|A soft toy and a bib in one
早教布积木|捏响、摇响、能啃|69|blocks|single
Soft Learning Blocks|Squeak, rattle and safe to chew
定型透气婴儿枕|头型圆圆，夏天不出汗|79|pillow|colour
Breathable Baby Pillow|Cool in summer and kind to small heads
新生儿满月礼盒|奶瓶、包被、小兔一套|269|box|single
Full-Moon Baby Box|Bottle, swaddles and a rabbit
""",
    "good-paw": """
鲜肉主食猫罐头|九成五鲜肉，不加谷物|69|can|flavour
Fresh Meat Cat Cans|Ninety-five per cent meat, no grain
白身鱼猫汤罐|补水神器，挑嘴猫也舔光|55|can|flavour
White Fish Broth Cans|Water they will want to drink
幼猫奶糕罐|断奶期细腻好消化|49|can|flavour
Kitten Mousse Cans|Fine and gentle for weaning
狗狗牛肉炖罐|看得见的大块肉和胡萝卜|59|can|flavour
Beef Stew for Dogs|Chunks of meat and carrot you can see
冻干生骨肉猫粮|益生菌裹粉，便便不臭|169|pouch|weight
Freeze-Dried Raw Cat Food|Dusted with probiotics
全价成犬粮|小颗粒，护关节配方|139|pouch|weight
Adult Dog Kibble|Small pieces with joint care
冻干鸡胸肉粒|训练奖励，一掰就开|39|pouch|weight
Chicken Breast Bites|A training treat that snaps in half
猫薄荷饼干|两口一个，吸完打滚|25|pouch|flavour
Catnip Biscuits|Two bites and a happy roll
豆腐混合猫砂|可冲厕所，低尘|49|pouch|pack
Tofu Blend Litter|Flushable and low in dust
陶瓷斜口猫碗|护颈不黑下巴|45|bowl|colour
Tilted Ceramic Cat Bowl|Easy on the neck and chin
慢食狗碗|吃慢一点不胀气|39|bowl|colour
Slow-Feed Dog Bowl|Slower meals and calmer bellies
宠物外出背包|透气可探头|159|backpack|colour
Pet Carrier Backpack|Airy, with a window for a curious head
猫窝软垫|冬暖夏凉两面用|79|pillow|size
Cat Bed Cushion|Warm on one side and cool on the other
逗猫毛绒小鼠|内有铃铛和猫薄荷|19|plush|set
Bell Mouse Cat Toy|With a bell and catnip inside
新猫到家礼盒|碗、罐头、玩具一套|139|box|single
New Cat Welcome Box|Bowl, cans and toys
""",
    "iron-hour": """
六角包胶哑铃|不滚动，不伤地板|99|dumbbell|load
Rubber Hex Dumbbells|They stay put and spare the floor
快调哑铃一对|一秒换重，省下一面墙|499|dumbbell|load
Quick-Change Dumbbell Pair|New weight in a second, a whole wall saved
浸塑小哑铃|跟练塑形刚好|39|dumbbell|load
Dipped Hand Weights|Made for follow-along classes
女生塑形哑铃套装|三组重量，循序渐进|159|dumbbell|set
Toning Dumbbell Set|Three weights to grow with
家庭可拆卸杠铃哑铃|两用连接杆|269|dumbbell|load
Home Barbell and Dumbbell Kit|One bar that does both
天然橡胶瑜伽垫|湿手也不滑|229|mat|colour
Natural Rubber Yoga Mat|Grips even with damp hands
加厚初学者瑜伽垫|膝盖不疼|79|mat|colour
Thick Beginner's Mat|Kind to the knees
跳绳静音垫|楼下听不见|99|mat|colour
Quiet Skipping Mat|The neighbours will not hear
折叠旅行瑜伽垫|放进双肩包|119|mat|colour
Folding Travel Mat|Fits in a backpack
体位线双面垫|自己在家也能站对|149|mat|colour
Alignment Mat|Stand correctly without a teacher
大容量运动水壶|两升带刻度，提醒喝水|59|thermos|colour
Two-Litre Gym Bottle|Marked by the hour
健身手提双肩包|干湿分离，鞋有独立仓|149|backpack|colour
Gym Duffel Backpack|Wet and dry apart, with a place for shoes
速干训练T恤|出汗不贴身|79|tshirt|size_colour
Quick-Dry Training Tee|Never clings
速干运动毛巾|一拧就干|35|towel|colour
Quick-Dry Sports Towel|Wrung out once and dry
居家健身礼盒|哑铃、垫子、毛巾起步三件|239|box|single
Home Gym Starter Box|Weights, a mat and a towel
""",
    "warm-volt": """
恒温电热水壶|五档控温，泡奶泡茶都准|159|kettle|colour
Steady-Heat Kettle|Five temperatures for milk and tea
手冲细口壶|水流如线，新手也稳|189|kettle|colour
Gooseneck Pour-Over Kettle|A thread of water, steady from day one
复古静音热水壶|凌晨烧水不吵人|139|kettle|colour
Retro Quiet Kettle|Boils at dawn without waking anyone
折叠旅行水壶|全球电压，行李箱不占地|129|kettle|colour
Folding Travel Kettle|World voltage and flat in a suitcase
高速负离子吹风机|三分钟吹干长发|299|dryer|colour
High-Speed Ionic Dryer|Long hair dry in three minutes
宿舍小功率吹风机|不跳闸，冷热三档|89|dryer|colour
Low-Watt Dorm Dryer|Never trips the fuse
折叠便携吹风机|出差装进洗漱包|119|dryer|colour
Folding Travel Dryer|Fits in a wash bag
空气循环扇|隔着客厅都有风|239|fan|colour
Air Circulator Fan|A breeze from across the room
桌面静音小风扇|充电一次吹一天|69|fan|colour
Quiet Desk Fan|A full day on a charge
婴儿柔风落地扇|自然风，不直吹|269|fan|colour
Gentle Nursery Fan|Soft air that never blows straight
床头氛围灯|触摸调光，起夜不刺眼|99|lamp|colour
Bedside Mood Lamp|Touch to dim, gentle at night
学生护眼台灯|国AA级照度|189|lamp|colour
Student Eye-Care Lamp|Grade AA light for a whole desk
迷你电炖盅|隔水慢炖，预约早餐|149|pot|size
Mini Electric Stewer|Slow water-bath cooking timed for breakfast
多功能电煮锅|宿舍一人火锅|119|pot|colour
Multi Electric Pot|Hotpot for one
小家电暖冬礼盒|水壶、暖灯、毛毯三件|339|box|single
Winter Warmth Box|A kettle, a lamp and a blanket
""",
}

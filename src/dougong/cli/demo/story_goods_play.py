"""Goods of the outdoor, toy, stationery and book stores."""

GOODS = {
    "ridge-line": """
三季双人帐篷|两分钟撑开，雨夜不漏|399|tent|colour
Three-Season Tent for Two|Up in two minutes and dry on a wet night
家庭速开天幕帐|一推一拉就搭好|599|tent|colour
Family Quick-Pitch Shelter|Push, pull and it stands
轻量单人帐|一公斤二，背着走不累|469|tent|colour
Ultralight Solo Tent|1.2 kg, easy to carry all day
儿童室内小帐篷|客厅里的秘密基地|159|tent|colour
Kids' Indoor Tent|A secret base in the living room
40升徒步背包|背负透气，侧袋够得着水|329|backpack|colour
40 L Hiking Pack|A breathing back and a bottle within reach
18升城市轻装包|折起来只有手掌大|129|backpack|colour
18 L City Daypack|Folds to the size of a hand
防水登山包|卷口设计，过溪不怕|269|backpack|colour
Waterproof Summit Pack|A roll top for stream crossings
骨架亲子背包|爸妈小孩各一个|199|backpack|set
Parent and Child Packs|One large and one small
钛钢保温壶|早上灌水晚上还烫|139|thermos|volume
Titanium-Steel Flask|Filled at dawn and hot at dusk
大口径运动水壶|能放冰块，好清洗|79|thermos|volume
Wide-Mouth Sport Bottle|Takes ice and is easy to clean
焖烧罐随行壶|出门带粥也能热|99|thermos|volume
Travel Food Flask|Keeps porridge hot on the road
复古氛围营灯|暖光三档，充电一次三晚|119|lantern|colour
Retro Camp Lantern|Three warm levels, three nights on a charge
驱蚊露营灯|一灯两用|89|lantern|colour
Mosquito-Guard Lantern|Light and calm evenings in one
折叠便携炊锅|锅盖就是煎盘|149|pot|size
Folding Camp Pot|The lid is a frying pan
首次露营礼盒|灯、壶、餐具一箱走|359|box|single
First Camp Box|Lantern, flask and tableware in one crate
""",
    "tin-toy": """
编程小机器人豆豆|拖积木块就能学编程|299|robot|colour
Doudou Coding Robot|Learn to program by dragging blocks
会跳舞的机器人|三十首儿歌跟着动|159|robot|colour
Dancing Robot|Moves to thirty nursery songs
讲故事机器人|睡前定时关机|199|robot|colour
Storytelling Robot|Switches itself off at bedtime
太阳能拼装机器人|晒太阳就会走|89|robot|colour
Solar Build-It Robot|Walks when the sun shines
拼音认字积木|六面都有字，边玩边认|69|blocks|pack
Pinyin Blocks|Six faces of words to learn in play
榉木原色积木|圆角打磨，无漆更安心|129|blocks|pack
Natural Beech Blocks|Rounded corners and no paint
城市街景拼搭|红绿灯会亮|169|blocks|pack
City Street Building Set|With a traffic light that works
数字天平积木|一放就懂加减法|79|blocks|single
Number Balance Blocks|Adding and taking away at a glance
抱抱熊毛绒玩偶|短绒不掉毛，可机洗|79|plush|size
Hugging Bear|Short fur that does not shed and can be washed
长耳兔安抚玩偶|耳朵刚好一手握|69|plush|size
Long-Ear Comfort Rabbit|Ears just right for a small hand
柴犬趴趴抱枕|午睡神器|89|plush|size
Napping Shiba Plush|The best companion for a nap
会说晚安的小熊|妈妈的声音可以录进去|129|plush|colour
Goodnight Bear|Record a parent's voice inside
生肖布偶系列|每年收藏一只|59|plush|colour
Zodiac Plush Series|One to collect each year
盲盒小怪兽|六款常规加一款隐藏|49|box|single
Little Monster Blind Box|Six regulars and one hidden
儿童节玩具礼盒|机器人、积木、小熊都有|259|box|single
Children's Day Toy Box|A robot, blocks and a bear
""",
    "paper-crane": """
日程手账本|一天一页，钢笔不洇|49|notebook|colour
Daily Planner|A page a day, safe for fountain pens
山茶线圈本|可平摊，左手也好写|25|notebook|colour
Camellia Spiral Notebook|Lies flat, good for left hands too
方格网格本四册|错题、草稿各一本|32|notebook|pack
Grid Notebooks, Four|One for each subject
旅行者皮面本|越用越有光泽|89|notebook|colour
Traveller's Leather Journal|Its shine grows with use
五年日记本|同一页看见五个今天|79|notebook|colour
Five-Year Diary|Five versions of today on one page
读书笔记本|附索引页与书签绳|39|notebook|colour
Reading Log|With an index and a ribbon
速干中性笔十二支|考试周不断墨|19|pen|colour
Quick-Dry Gel Pens, Twelve|No skipping in exam week
复古钢笔礼装|明尖顺滑，附吸墨器|129|pen|colour
Vintage Fountain Pen|A smooth open nib with converter
莫兰迪荧光笔六色|不刺眼，不透纸|22|pen|pack
Muted Highlighters, Six|Easy on the eye and on thin paper
针管勾线笔套装|0.05到0.8五支|35|pen|set
Fineliner Set|Five tips from 0.05 to 0.8
儿童可水洗彩笔|画到墙上也不怕|39|pen|pack
Washable Markers|Even the wall forgives
自动铅笔防断芯|重按也稳|28|pen|colour
Break-Proof Mechanical Pencil|Steady under a heavy hand
护眼学习台灯|无频闪，高度可调|169|lamp|colour
Eye-Care Study Lamp|Flicker-free and adjustable
开学文具双肩包|分层清楚，护脊减负|139|backpack|colour
Back-to-School Pack|Clear layers that are light on the back
新学期文具礼盒|本子、笔、便签一盒齐|69|box|single
New Term Stationery Box|Notebooks, pens and notes together
""",
    "lamp-page": """
小巷里的四季|一条弄堂，十二个邻居的故事|45|book|edition
Four Seasons in the Lane|Twelve neighbours and one old alley
给孩子的星空课|一夜认识一个星座|58|book|edition
Stargazing for Children|One constellation for each night
一碗面的旅行|从兰州到长崎的面条地图|52|book|edition
A Journey by Noodle|A map of noodles from Lanzhou to Nagasaki
慢慢种一座花园|阳台三平米也能开始|49|book|edition
Grow a Garden Slowly|Three square metres of balcony will do
凌晨四点的面包店|关于重新开始的小说|42|book|edition
The Bakery at Four|A novel about starting again
十分钟数学|等车时解开一道题|39|book|edition
Ten-Minute Mathematics|One puzzle while you wait for the bus
木头会说话|一位木匠的五十年手记|68|book|edition
Wood That Speaks|Fifty years of a carpenter's notes
寄往海边的信|书信体，适合夜里读|46|book|edition
Letters to the Shore|A novel in letters, best at night
零基础画水彩|三十天三十幅|59|book|edition
Watercolour from Nothing|Thirty days and thirty paintings
猫的睡前故事集|每篇五分钟，读完就困|48|book|edition
Bedtime Tales of Cats|Five minutes each, then sleep
看懂家里的账|普通人的第一本理财书|55|book|edition
Household Accounts Made Plain|A first book on money
山河古建图册|手绘一百座老房子|98|book|edition
Old Halls, Drawn|A hundred old buildings by hand
夹子阅读小台灯|夜读不打扰枕边人|79|lamp|colour
Clip Reading Lamp|Read late without waking anyone
书虫读书笔记本|一年读五十本的底气|36|notebook|colour
Bookworm Journal|Room for fifty books a year
周末读书礼盒|三本好书加一盏小灯|158|box|single
Weekend Reading Box|Three good books and a small lamp
""",
}

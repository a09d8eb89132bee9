"""Names for the demo: categories, families, cities."""

CATEGORY_NAMES: dict[str, tuple[str, str]] = {
    "beauty": ("美妆个护", "Beauty"),
    "beauty/makeup": ("彩妆", "Make-up"),
    "beauty/skincare": ("护肤", "Skincare"),
    "culture": ("文化", "Culture"),
    "culture/books": ("图书", "Books"),
    "digital": ("数码", "Digital"),
    "digital/accessories": ("数码配件", "Accessories"),
    "fashion": ("服饰", "Fashion"),
    "fashion/clothing": ("服装", "Clothing"),
    "fashion/jewellery": ("珠宝首饰", "Jewellery"),
    "fashion/shoes": ("鞋靴", "Shoes"),
    "food": ("食品", "Food"),
    "food/snacks": ("零食", "Snacks"),
    "food/tea": ("茶叶", "Tea"),
    "home": ("家居", "Home"),
    "home/appliances": ("小家电", "Small appliances"),
    "home/ceramics": ("陶瓷", "Ceramics"),
    "home/flowers": ("鲜花绿植", "Flowers"),
    "home/kitchen": ("厨具", "Kitchen"),
    "home/textile": ("家纺", "Home textile"),
    "kids": ("母婴玩具", "Kids"),
    "kids/baby": ("婴儿用品", "Baby"),
    "kids/toys": ("玩具", "Toys"),
    "office": ("办公", "Office"),
    "office/stationery": ("文具", "Stationery"),
    "pets": ("宠物", "Pets"),
    "pets/food": ("宠物食品", "Pet food"),
    "sport": ("运动户外", "Sport"),
    "sport/fitness": ("健身", "Fitness"),
    "sport/outdoor": ("户外", "Outdoor"),
}

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
GIVEN = (
    "子涵", "雨桐", "浩然", "思远", "欣怡", "佳宁", "一诺", "梓轩", "嘉怡", "晓彤",
    "明轩", "婉清", "志强", "丽华", "建国", "海燕", "文博", "静怡", "俊杰", "若曦",
)  # fmt: skip
CITIES = (
    ("上海", "上海", "南京东路"), ("北京", "北京", "朝阳北路"), ("浙江省", "杭州", "文三路"),
    ("广东省", "深圳", "科技园路"), ("广东省", "广州", "天河路"), ("江苏省", "苏州", "平江路"),
    ("四川省", "成都", "春熙路"), ("湖北省", "武汉", "珞喻路"), ("陕西省", "西安", "雁塔路"),
    ("湖南省", "长沙", "五一大道"), ("福建省", "厦门", "环岛路"), ("山东省", "青岛", "香港中路"),
    ("重庆", "重庆", "解放碑步行街"), ("辽宁省", "大连", "中山路"), ("云南省", "昆明", "翠湖西路"),
)  # fmt: skip

"""Drawings of clothes, bags, textiles and phone things."""

from dougong.cli.demo.scene_brush import (
    INK,
    WHITE,
    Brush,
    Point,
    Shade,
    arc,
    curve,
    dark,
    down,
    light,
    metal,
    round_shade,
    slab_points,
    slant,
    turned,
)
from dougong.cli.demo.scene_look import Look, ink_on, leaf, pattern, petals, shine


def tshirt(b: Brush, k: Look) -> None:
    outline: list[Point] = [
        (38, 18),
        (62, 18),
        (76, 23),
        (90, 42),
        (78, 50),
        (72, 43),
        (73, 85),
        (27, 85),
    ]
    outline += [(28, 43), (22, 50), (10, 42), (24, 23)]
    b.shape(
        outline,
        Shade((dark(k.main, 0.12), light(k.main, 0.15), k.main, dark(k.main, 0.12)), 1, 0.2),
    )
    b.inside(outline)
    pattern(b, k, (28, 60, 46, 26))
    for x, lean in ((32, 3), (66, -3)):
        fold = [(x, 46), (x + lean, 60), (x, 84), (x + 2, 84), (x + lean + 2, 60)]
        b.smooth(fold, dark(k.main, 0.5), alpha=40)
    b.line([(72, 44), (76, 30)], dark(k.main, 0.4), 0.6, alpha=120)
    b.line([(28, 44), (24, 30)], dark(k.main, 0.4), 0.6, alpha=120)
    b.inside(None)
    b.shape(arc(50, 17.6, 12, 9, 0, 180), dark(k.main, 0.3))
    b.line(arc(50, 17.6, 12, 9, 0, 180), light(k.main, 0.2), 1.8)
    b.text(k.label, 50, 44, 10, ink_on(k.main), fit=34, weight="black", alpha=230)
    b.slab(40, 51, 20, 1.2, k.accent, r=0.6)


def hoodie(b: Brush, k: Look) -> None:
    for side in (-1, 1):
        sleeve: list[Point] = [(50 + side * 22, 28), (50 + side * 33, 46), (50 + side * 38, 76)]
        sleeve += [(50 + side * 29, 79), (50 + side * 23, 52)]
        b.smooth(sleeve, Shade((dark(k.main, 0.1), light(k.main, 0.1), dark(k.main, 0.22)), 1, 0))
        b.slab(50 + side * 33.4 - 5, 74, 10, 6, dark(k.main, 0.25), r=2)
    body: list[Point] = [(36, 24), (64, 24), (76, 30), (74, 84), (26, 84), (24, 30)]
    b.shape(
        body, Shade((dark(k.main, 0.12), light(k.main, 0.15), k.main, dark(k.main, 0.14)), 1, 0.2)
    )
    b.slab(26, 80, 48, 6, dark(k.main, 0.22), r=2)
    b.smooth([(34, 26), (38, 12), (50, 8), (62, 12), (66, 26), (50, 34)], light(k.main, 0.1))
    b.smooth([(39, 24), (43, 14), (50, 12), (57, 14), (61, 24), (50, 31)], dark(k.main, 0.4))
    for x in (45, 55):
        b.line([(x, 29), (x + (x - 50) * 0.1, 44)], light(k.second, 0.5), 1)
    b.shape([(37, 62), (63, 62), (69, 78), (31, 78)], dark(k.main, 0.12))
    b.text(k.label, 50, 53, 8, ink_on(k.main), fit=36, weight="black")


def dress(b: Brush, k: Look) -> None:
    b.line(arc(50, 9, 3, 3, 90, 360), (150, 150, 158), 0.8)
    b.line([(32, 18), (50, 12), (68, 18)], (170, 150, 128), 1.6)
    outline = [(38, 17), (42, 17), (46, 25), (54, 25), (58, 17), (62, 17), (64, 34), (60, 46)]
    outline += [
        (70, 64),
        (80, 84),
        (66, 88),
        (50, 86),
        (34, 88),
        (20, 84),
        (30, 64),
        (40, 46),
        (36, 34),
    ]
    b.shape(
        outline,
        Shade(
            (
                dark(k.main, 0.14),
                light(k.main, 0.3),
                k.main,
                light(k.main, 0.15),
                dark(k.main, 0.16),
            ),
            1,
            0.1,
        ),
    )
    b.inside(outline)
    for i in range(26):
        spot = (22 + i * 37 % 58, 26 + i * 23 % 60)
        petals(b, *spot, 3.4, k.second if i % 2 else k.accent, count=5, turn=i * 31)
    for x in (34, 45, 57, 66):
        fold: list[Point] = [(50 + (x - 50) * 0.5, 50), (x, 90), (x + 3, 90)]
        b.shape(fold, dark(k.main, 0.5), alpha=38)
    b.slab(36, 44, 28, 3.6, dark(k.accent, 0.1), r=1)
    b.inside(None)
    for turn in (35, 145):
        leaf(b, 50, 46, 9, k.accent, turn)


def sneaker(b: Brush, k: Look) -> None:
    upper: list[Point] = [
        (14, 44),
        (18, 36),
        (27, 39),
        (36, 38),
        (42, 33),
        (50, 42),
        (62, 51),
        (78, 56),
    ]
    upper += [(89, 62), (91, 72), (60, 76), (14, 75), (12, 60)]
    b.smooth(
        upper, Shade((dark(k.main, 0.2), light(k.main, 0.3), k.main, light(k.main, 0.1)), 1, 0.5)
    )
    outline = curve(upper)
    b.inside(outline)
    b.smooth([(70, 52), (92, 58), (94, 76), (72, 76), (76, 64)], k.second)
    b.smooth([(8, 40), (22, 38), (24, 60), (20, 76), (8, 76)], k.second)
    b.smooth([(26, 70), (40, 58), (58, 64), (70, 60), (52, 74), (36, 76)], k.accent)
    for i in range(14):
        b.oval(64 + i % 5 * 3, 57 + i // 5 * 3 + i % 5, 0.6, 0.6, dark(k.main, 0.5), alpha=90)
    b.inside(None)
    b.smooth([(16, 42), (20, 37), (34, 39), (42, 34), (40, 42), (26, 46)], dark(k.main, 0.55))
    for i in range(4):
        x, y = 44 + i * 6, 42 + i * 4.2
        b.line([(x - 4, y + 5), (x + 4, y)], WHITE, 1.7)
        b.line([(x - 4, y + 5.8), (x + 4, y + 0.8)], INK, 0.4, alpha=60)
    sole: list[Point] = [
        (11, 73),
        (30, 74),
        (60, 75),
        (92, 70),
        (93, 77),
        (86, 82),
        (50, 83),
        (16, 83),
        (10, 79),
    ]
    b.smooth(sole, down(WHITE, (214, 214, 220)))
    b.smooth([(12, 80), (50, 81), (88, 79), (84, 84), (50, 85), (16, 85)], k.accent)
    for i in range(12):
        b.slab(18 + i * 5.6, 76.4, 3, 0.9, dark(k.second, 0.1), r=0.4, alpha=110)
    b.text(k.label, 30, 56, 5.2, ink_on(k.main), fit=18, weight="black")


def boot(b: Brush, k: Look) -> None:
    upper: list[Point] = [
        (28, 16),
        (54, 16),
        (56, 34),
        (58, 50),
        (74, 56),
        (86, 64),
        (86, 76),
        (28, 76),
    ]
    upper += [(27, 50)]
    b.shape(
        curve(upper[2:] + upper[:2], steps=6),
        Shade((dark(k.main, 0.25), light(k.main, 0.3), k.main, dark(k.main, 0.15)), 1, 0.2),
    )
    b.slab(26, 13, 30, 8, round_shade(k.second), r=4)
    b.smooth([(66, 54), (86, 62), (88, 76), (66, 76), (70, 66)], dark(k.main, 0.15))
    for i in range(6):
        y = 28 + i * 5
        b.line([(44, y + 1.5), (56 + i * 0.6, y)], k.accent, 1.4)
        b.oval(44, y + 1.5, 0.9, 0.9, (230, 210, 160))
    b.smooth(
        [(25, 74), (50, 75), (88, 73), (90, 80), (84, 84), (25, 85)], down(dark(k.second, 0.3), INK)
    )
    for i in range(8):
        b.slab(28 + i * 7, 82, 4, 4, dark(k.second, 0.55), r=0.8)
    b.text(k.label, 36, 62, 4.4, ink_on(k.main), fit=16, alpha=210)
    shine(b, 31, 26, 2, 30, 60)


def backpack(b: Brush, k: Look) -> None:
    b.line(arc(50, 19, 8, 8, 180, 360), dark(k.main, 0.35), 2.6)
    for x in (21, 73):
        b.slab(x, 48, 8, 32, dark(k.main, 0.28), r=4)
    b.slab(
        25,
        17,
        50,
        68,
        Shade((dark(k.main, 0.15), light(k.main, 0.2), k.main, dark(k.main, 0.18)), 1, 0.2),
        r=15,
    )
    b.line(arc(50, 40, 21, 17, 190, 350), dark(k.main, 0.4), 1)
    b.slab(
        30, 52, 40, 28, Shade((dark(k.second, 0.1), light(k.second, 0.2), k.second), 1, 0.4), r=6
    )
    b.line([(34, 58), (66, 58)], dark(k.second, 0.4), 1)
    b.slab(62, 57, 2.4, 7, k.accent, r=1.2)
    for x in (36, 60):
        b.slab(x, 36, 4, 18, dark(k.main, 0.35), r=1)
        b.slab(x - 0.6, 46, 5.2, 5, metal(), r=1)
    b.text(k.label, 50, 69, 7, ink_on(k.second), fit=32, weight="black")
    b.line([(44, 33), (48, 27), (51, 31), (54, 26), (58, 33)], k.accent, 1.2)
    shine(b, 30, 26, 2.2, 24, 70)


def pillow(b: Brush, k: Look) -> None:
    edge: list[Point] = [
        (15, 24),
        (50, 28),
        (85, 24),
        (82, 52),
        (85, 80),
        (50, 77),
        (15, 80),
        (18, 52),
    ]
    b.smooth(edge, Shade((light(k.main, 0.35), k.main, dark(k.main, 0.2)), 0.8, 1))
    b.inside(curve(edge))
    pattern(b, k, (14, 26, 74, 54))
    b.smooth([(20, 28), (50, 33), (70, 30), (50, 46), (28, 52)], WHITE, alpha=45)
    b.smooth([(84, 44), (84, 82), (30, 82), (62, 70)], dark(k.main, 0.6), alpha=40)
    b.inside(None)
    for x, y, tilt in ((18, 27, 30), (82, 27, 150), (18, 77, -30), (82, 77, 210)):
        b.line(turned([(x, y), (x + 9, y)], tilt, (x, y)), dark(k.main, 0.35), 0.6, alpha=150)
    b.slab(68, 72, 12, 5, light(k.second, 0.7), r=0.6)
    b.text(k.label, 74, 74.4, 2.8, dark(k.main, 0.5), fit=10)


def towel(b: Brush, k: Look) -> None:
    """Folded layers: towels, throws, bed sets."""
    tones = (k.main, light(k.second, 0.15), light(k.main, 0.4), k.accent)
    for i, tone in enumerate(tones):
        y = 70 - i * 13.5
        x = 20 + i * 1.5
        w = 60 - i * 3
        b.slab(x, y, w, 14, down(light(tone, 0.3), tone, dark(tone, 0.22)), r=6.5)
        b.line([(x + 5, y + 7), (x + w - 12, y + 7)], dark(tone, 0.35), 0.5, alpha=120)
        b.shape([*arc(x + w - 7, y + 7, 6, 6, -90, 90)], dark(tone, 0.12), alpha=90)
        for j in range(16):
            b.oval(x + 6 + j * (w - 20) / 16, y + 3.6, 0.5, 0.4, WHITE, alpha=120)
    b.slab(44, 29, 10, 56, light(k.second, 0.75), r=1, alpha=235)
    b.text(k.label, 49, 50, 4, dark(k.main, 0.5), fit=9)
    petals(b, 49, 60, 3.6, k.accent, count=6)


def phone_case(b: Brush, k: Look) -> None:
    body = slab_points(30, 10, 40, 76, 7)
    b.shape([(x + 1.4, y + 0.8) for x, y in body], dark(k.main, 0.45))
    b.shape(body, Shade((light(k.main, 0.3), k.main, dark(k.main, 0.12)), 0.6, 1))
    b.inside(body)
    pattern(b, k, (30, 38, 40, 48))
    b.smooth([(28, 62), (44, 56), (58, 66), (74, 58), (74, 90), (28, 90)], k.second, alpha=200)
    b.inside(None)
    b.slab(33.5, 14, 17, 18, down((64, 66, 76), (28, 28, 36)), r=4.5)
    for x, y in ((38.4, 19), (38.4, 27), (46, 23)):
        b.oval(x, y, 3.2, 3.2, (12, 12, 18))
        b.oval(x, y, 2, 2, slant((96, 124, 178), (20, 24, 50)))
        b.oval(x - 0.7, y - 0.8, 0.6, 0.6, WHITE)
    b.text(k.label, 50, 77, 6, ink_on(k.second), fit=32, weight="black")
    b.shape([(56, 10), (64, 10), (42, 86), (36, 86)], WHITE, alpha=38)


def charger(b: Brush, k: Look) -> None:
    cable = curve([(58, 64), (76, 72), (86, 58), (74, 42), (84, 26), (74, 14)], closed=False)
    b.line(cable, dark(k.second, 0.15), 2.4)
    b.line(cable, light(k.second, 0.4), 0.9)
    b.slab(69, 8, 9, 12, metal(), r=2)
    for x in (33, 45):
        b.slab(x, 18, 4, 16, metal((220, 196, 130)), r=1)
    b.slab(
        22,
        32,
        40,
        52,
        Shade((dark(k.main, 0.1), light(k.main, 0.4), k.main, dark(k.main, 0.2)), 1, 0.2),
        r=8,
    )
    b.slab(26, 70, 32, 8, dark(k.main, 0.25), r=3)
    for x in (30, 44):
        b.slab(x, 72.4, 10, 3.4, INK, r=1.4)
    bolt: list[Point] = [(44, 38), (36, 51), (42, 51), (39, 60), (48, 47), (42, 47)]
    b.shape(bolt, k.accent)
    b.text(k.label, 42, 65, 5, ink_on(k.main), fit=30, weight="black")
    shine(b, 26, 40, 2, 26, 130)


def earbuds(b: Brush, k: Look) -> None:
    b.slab(24, 22, 52, 26, Shade((dark(k.main, 0.1), light(k.main, 0.35), k.main), 1, 0.5), r=12)
    b.slab(28, 34, 44, 14, dark(k.main, 0.45), r=5)
    for side in (-1, 1):
        x = 50 + side * 11
        b.slab(x - 2.4, 40, 4.8, 22, round_shade(light(k.main, 0.25)), r=2.4)
        b.oval(x - side * 1.6, 41, 6.4, 6, slant(light(k.main, 0.6), k.main))
        b.oval(x - side * 4, 41.4, 2.4, 3, dark(k.main, 0.5))
    b.slab(
        22,
        50,
        56,
        34,
        Shade((dark(k.main, 0.14), light(k.main, 0.4), k.main, dark(k.main, 0.14)), 1, 0.3),
        r=14,
    )
    b.slab(22, 50, 56, 2.2, dark(k.main, 0.35), r=1)
    b.oval(50, 58, 1.2, 1.2, (120, 226, 150))
    b.text(k.label, 50, 69, 7, ink_on(k.main), fit=36, weight="black")
    shine(b, 30, 55, 2.2, 18, 120)


KINDS = {
    "tshirt": tshirt,
    "hoodie": hoodie,
    "dress": dress,
    "sneaker": sneaker,
    "boot": boot,
    "backpack": backpack,
    "pillow": pillow,
    "towel": towel,
    "phone_case": phone_case,
    "charger": charger,
    "earbuds": earbuds,
}

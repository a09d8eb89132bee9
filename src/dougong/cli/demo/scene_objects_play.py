"""Drawings of outdoor, toy, desk, sport and small appliance things."""

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
    lathe,
    light,
    metal,
    mix,
    round_shade,
    slab_points,
    slant,
    turned,
)
from dougong.cli.demo.scene_look import Look, ink_on, petals, shine


def tent(b: Brush, k: Look) -> None:
    b.shape([(50, 20), (92, 80), (74, 84), (50, 40)], Shade((k.main, dark(k.main, 0.35)), 1, 0.4))
    b.shape(
        [(50, 20), (8, 80), (26, 84), (50, 40)],
        Shade((light(k.main, 0.25), dark(k.main, 0.1)), 0.2, 1),
    )
    b.shape([(50, 20), (78, 84), (22, 84)], down(light(k.main, 0.35), k.main))
    b.shape([(50, 38), (66, 84), (34, 84)], down((64, 44, 40), (255, 206, 120)))
    b.shape([(50, 38), (34, 84), (28, 84), (44, 50)], light(k.second, 0.3))
    b.shape([(50, 38), (66, 84), (72, 84), (56, 50)], k.second)
    b.line([(50, 18), (50, 24)], INK, 1)
    for x, tilt in ((8, -1), (92, 1)):
        b.line([(x - tilt * 6, 77), (x + tilt * 4, 86)], light(k.accent, 0.3), 0.6)
    b.shape([(50, 20), (22, 84), (19.6, 83.6), (49, 20)], WHITE, alpha=110)
    b.text(k.label, 50, 32, 4, ink_on(k.main), fit=10)
    b.slab(38, 80, 24, 4, k.accent, r=1.6)


def lantern(b: Brush, k: Look) -> None:
    b.line(arc(50, 26, 17, 16, 180, 360), dark(k.main, 0.4), 1.6)
    b.slab(36, 22, 28, 9, round_shade(k.main), r=4)
    b.oval(50, 49, 24, 24, (255, 224, 140), alpha=70)
    glass = lathe([(30, 13), (40, 18), (54, 18), (66, 14)])
    b.shape(glass, Shade(((248, 196, 96), (255, 244, 204), (255, 226, 140), (236, 172, 72)), 1, 0))
    b.smooth([(50, 38), (54, 50), (50, 58), (46, 50)], (255, 255, 240))
    for x in (36, 50, 64):
        b.line(
            curve(
                [(50 + (x - 50) * 0.8, 30), (50 + (x - 50) * 1.3, 48), (50 + (x - 50) * 0.9, 66)],
                closed=False,
            ),
            dark(k.main, 0.35),
            1,
        )
    b.slab(30, 65, 40, 19, round_shade(k.main), r=4)
    b.slab(30, 68, 40, 2, k.accent, r=0.6)
    b.text(k.label, 50, 76.6, 6, ink_on(k.main), fit=30, weight="black")


def robot(b: Brush, k: Look) -> None:
    b.line([(50, 20), (50, 11)], dark(k.second, 0.3), 1.6)
    b.oval(50, 10, 3, 3, slant(light(k.accent, 0.5), k.accent))
    for side in (-1, 1):
        x = 50 + side * 27
        b.line(
            curve([(50 + side * 20, 54), (x, 58), (x + side * 3, 68)], closed=False),
            dark(k.second, 0.1),
            4,
        )
        b.oval(x + side * 3, 70, 4.6, 4.6, slant(light(k.accent, 0.3), k.accent))
        b.slab(50 + side * 10 - 5, 74, 10, 9, round_shade(dark(k.second, 0.1)), r=2)
        b.slab(50 + side * 11 - 8, 80, 16, 6, round_shade(k.accent), r=3)
        b.slab(50 + side * 25 - 3, 27, 6, 12, round_shade(k.accent), r=2)
    b.slab(26, 18, 48, 30, Shade((light(k.main, 0.4), k.main, dark(k.main, 0.15)), 0.6, 1), r=9)
    b.slab(31, 23, 38, 20, down((34, 40, 62), (18, 20, 36)), r=7)
    for x in (42, 58):
        b.oval(x, 31.5, 4, 4.6, (122, 240, 236))
        b.oval(x + 1, 30.4, 1.3, 1.5, WHITE)
    b.line(arc(50, 36, 5, 3.4, 20, 160), (122, 240, 236), 1.2)
    b.slab(45, 47, 10, 5, metal(), r=1)
    b.slab(29, 51, 42, 26, Shade((light(k.main, 0.25), k.main, dark(k.main, 0.2)), 0.6, 1), r=7)
    b.slab(35, 56, 30, 12, light(k.second, 0.7), r=3)
    b.text(k.label, 50, 62, 6.4, dark(k.main, 0.45), fit=26, weight="black")
    for i in range(3):
        b.oval(43 + i * 7, 72.4, 1.7, 1.7, (k.accent, (255, 210, 90), (120, 210, 140))[i])


def blocks(b: Brush, k: Look) -> None:
    tones = [k.main, k.accent, k.second, light(k.main, 0.35), mix(k.accent, (255, 214, 90), 0.6)]
    spots = [(14, 62), (40, 62), (66, 62), (27, 39), (53, 39), (40, 16)]
    for i, (x, y) in enumerate(spots):
        tone = tones[i % len(tones)]
        b.shape([(x, y), (x + 4, y - 4), (x + 25, y - 4), (x + 21, y)], light(tone, 0.45))
        b.shape([(x + 21, y), (x + 25, y - 4), (x + 25, y + 17), (x + 21, y + 21)], dark(tone, 0.3))
        b.slab(x, y, 21.4, 21.4, slant(light(tone, 0.2), tone), r=1.6)
        b.slab(x + 2.4, y + 2.4, 16.6, 16.6, slant(tone, light(tone, 0.25)), r=1.4)
        sign = (k.label * 6)[i] if i % 2 == 0 else ""
        if sign:
            b.text(sign, x + 10.6, y + 10.4, 12, ink_on(tone), weight="black")
        elif i == 3:
            petals(b, x + 10.6, y + 10.6, 7, ink_on(tone), count=6)
        else:
            b.shape(arc(x + 10.6, y + 13, 7, 7, 180, 360), ink_on(tone))


def ear(b: Brush, k: Look, side: int, *, long: bool) -> None:
    fur, lining = slant(light(k.main, 0.2), k.main), light(k.accent, 0.35)
    if not long:
        b.oval(50 + side * 17, 19, 8, 8, fur)
        b.oval(50 + side * 17, 19.6, 4.6, 4.6, lining)
        return
    outer: list[Point] = [(8, 28), (8, 10), (14, 5), (18, 12), (17, 30)]
    inner: list[Point] = [(11, 26), (11, 13), (14, 10), (15, 26)]
    for points, tone in ((outer, fur), (inner, lining)):
        b.smooth([(50 + side * x, y) for x, y in points], tone)


def plush(b: Brush, k: Look) -> None:
    fur, belly = k.main, light(k.main, 0.6)
    long_ears = k.dice.random() < 0.45
    for side in (-1, 1):
        ear(b, k, side, long=long_ears)
        b.oval(50 + side * 19, 79, 11, 7.6, slant(light(fur, 0.15), dark(fur, 0.1)))
        b.oval(50 + side * 21, 80, 5.4, 4.4, belly)
        b.smooth(
            [
                (50 + side * 17, 54),
                (50 + side * 29, 62),
                (50 + side * 27, 71),
                (50 + side * 16, 66),
            ],
            slant(light(fur, 0.1), dark(fur, 0.12)),
        )
    b.oval(50, 66, 23, 20, slant(light(fur, 0.25), dark(fur, 0.12)))
    b.oval(50, 69, 14, 13.6, belly)
    b.oval(50, 34, 24, 20.5, slant(light(fur, 0.3), dark(fur, 0.08)))
    b.oval(50, 40, 10.6, 8, belly)
    for side in (-1, 1):
        b.oval(50 + side * 10, 32, 2.5, 3, INK)
        b.oval(50 + side * 10 + 0.8, 30.8, 0.9, 1, WHITE)
        b.oval(50 + side * 15.5, 39, 3.4, 2.2, k.accent, alpha=110)
    b.smooth([(47, 36), (53, 36), (50, 39.6)], dark(fur, 0.65))
    b.line(arc(50, 40, 3.4, 3, 20, 160), dark(fur, 0.65), 0.8)
    b.slab(34, 51, 32, 5.4, k.second, r=2.6)
    b.shape([(56, 54), (63, 54), (65, 68), (58, 66)], dark(k.second, 0.1))
    b.text(k.label, 50, 71, 4.4, dark(fur, 0.5), fit=18)


def notebook(b: Brush, k: Look) -> None:
    b.slab(26, 15, 52, 70, (238, 234, 226), r=2)
    for i in range(4):
        b.line([(77 - i * 0.7, 17), (77 - i * 0.7, 83)], (206, 200, 190), 0.3)
    cover = slab_points(22, 13, 53, 71, 3)
    b.shape(cover, Shade((light(k.main, 0.2), k.main, dark(k.main, 0.1)), 0.5, 1))
    b.inside(cover)
    b.smooth([(20, 64), (40, 54), (58, 62), (80, 50), (80, 90), (20, 90)], k.second)
    b.smooth([(20, 74), (44, 66), (60, 74), (80, 64), (80, 90), (20, 90)], light(k.second, 0.3))
    b.oval(60, 44, 7, 7, k.accent)
    b.slab(22, 13, 8, 72, dark(k.main, 0.3), r=0, alpha=110)
    b.inside(None)
    b.slab(67, 13, 2.6, 71, dark(k.accent, 0.15), r=0)
    b.text(k.label, 48, 27, 8, ink_on(k.main), fit=32, weight="black")
    b.slab(36, 33.4, 24, 0.8, ink_on(k.main), r=0.4, alpha=160)
    shape = [(84, 30), (88, 30), (88, 74), (86, 81), (84, 74)]
    b.shape(
        turned(shape, 8, (86, 50)),
        Shade((k.accent, light(k.accent, 0.4), dark(k.accent, 0.2)), 1, 0),
    )


def pen(b: Brush, k: Look) -> None:
    for i, tone in enumerate((k.second, k.main, k.accent)):
        x = 32 + i * 15
        turn = -18 + i * 14
        pivot = (x + 3.5, 70.0)
        barrel = Shade((dark(tone, 0.25), light(tone, 0.45), tone, dark(tone, 0.25)), 1, 0)
        b.shape(turned(slab_points(x, 24, 7, 44, 2.5), turn, pivot), barrel)
        b.shape(
            turned([(x + 0.6, 67), (x + 6.4, 67), (x + 4, 80), (x + 3, 80)], turn, pivot), metal()
        )
        b.shape(turned([(x + 3, 80), (x + 4, 80), (x + 3.5, 84)], turn, pivot), INK)
        b.shape(turned(slab_points(x, 16, 7, 10, 2.5), turn, pivot), light(tone, 0.2))
        b.shape(turned(slab_points(x + 5.6, 19, 1.6, 18, 0.8), turn, pivot), (224, 196, 128))
    b.slab(18, 82, 64, 4, slant(light(k.second, 0.6), light(k.second, 0.2)), r=1)
    b.text(k.label, 50, 84, 3, dark(k.main, 0.4), fit=30)


def book(b: Brush, k: Look) -> None:
    b.shape([(24, 18), (30, 12), (78, 12), (78, 78), (72, 84)], (240, 234, 220))
    for i in range(5):
        b.line([(73 + i, 83 - i), (73 + i, 17 - i)], (206, 196, 178), 0.3)
    cover = slab_points(22, 17, 51, 68, 1.4)
    b.shape(cover, Shade((light(k.main, 0.15), k.main, dark(k.main, 0.18)), 0.5, 1))
    b.inside(cover)
    style = k.dice.randrange(3)
    if style == 0:
        b.oval(48, 62, 14, 14, k.accent)
        b.smooth([(20, 70), (36, 60), (52, 72), (76, 62), (76, 90), (20, 90)], k.second)
    elif style == 1:
        for i in range(6):
            b.shape(arc(48, 86, 34 - i * 6, 34 - i * 6, 180, 360), k.second if i % 2 else k.accent)
    else:
        for i in range(12):
            petals(
                b,
                27 + i * 29 % 44,
                50 + i * 13 % 34,
                6,
                k.accent if i % 2 else k.second,
                turn=i * 13,
            )
    b.slab(22, 17, 4, 68, dark(k.main, 0.4), r=0, alpha=120)
    b.inside(None)
    b.slab(30, 24, 38, 19, light(k.second, 0.8), r=1)
    b.text(k.label, 49, 31, 8, dark(k.main, 0.4), fit=33, weight="black")
    b.slab(40, 37.4, 18, 1, dark(k.main, 0.4), r=0.4, alpha=150)
    b.shape([(62, 12), (67, 12), (67, 26), (64.5, 23.4), (62, 26)], k.accent)


def dumbbell(b: Brush, k: Look) -> None:
    for dy, scale in ((-15, 0.86), (9, 1.0)):
        y = 58 + dy
        b.slab(32, y - 3.4 * scale, 36, 6.8 * scale, down((238, 240, 244), (122, 126, 136)), r=2)
        for i in range(12):
            b.line(
                [(40 + i * 1.8, y - 3 * scale), (41 + i * 1.8, y + 3 * scale)],
                (96, 100, 110),
                0.4,
                alpha=150,
            )
        for side in (-1, 1):
            for i, (w, h) in enumerate(((8, 15), (8, 12))):
                x = 50 + side * (20 + i * 7.6) - w / 2
                tone = k.main if i == 0 else dark(k.main, 0.2)
                b.slab(
                    x,
                    y - h * scale,
                    w,
                    h * 2 * scale,
                    down(light(tone, 0.4), tone, dark(tone, 0.4)),
                    r=2.6,
                )
            b.slab(50 + side * 20 - 4, y - 5, 8, 10, k.accent, r=1, alpha=200)
    b.text(k.label, 50, 67, 4, INK, fit=18)


def mat(b: Brush, k: Look) -> None:
    b.shape([(30, 62), (92, 70), (84, 84), (24, 80)], slant(light(k.main, 0.25), k.main))
    for i in range(5):
        b.line(
            [(40 + i * 10, 66 + i * 1.3), (34 + i * 10, 80 + i * 0.8)],
            light(k.main, 0.5),
            0.5,
            alpha=120,
        )
    b.shape(
        [(10, 58), (62, 20), (72, 34), (28, 78)],
        Shade((light(k.main, 0.3), k.main, dark(k.main, 0.25)), 0.6, 1),
    )
    b.oval(19, 68, 13, 13, dark(k.main, 0.15))
    for i in range(5):
        r = 12 - i * 2.4
        b.oval(19, 68, r, r, k.second if i % 2 else light(k.main, 0.25))
    for x, y in ((36, 47), (54, 34)):
        strap = [(x - 4, y - 4), (x, y - 7), (x + 12, y + 8), (x + 8, y + 11)]
        b.shape(strap, k.accent)
    b.text(k.label, 60, 77, 5, ink_on(k.main), fit=30, weight="black")


def fan(b: Brush, k: Look) -> None:
    b.slab(47, 62, 6, 18, round_shade(k.second), r=1)
    b.slab(32, 78, 36, 8, round_shade(k.main), r=4)
    b.oval(50, 42, 31, 31, slant(light(k.main, 0.25), dark(k.main, 0.15)))
    b.oval(50, 42, 28, 28, slant((250, 251, 253), (214, 220, 228)))
    for i in range(5):
        blade = [(50, 42), (58, 24), (70, 22), (71, 34), (60, 40)]
        b.smooth(turned(blade, i * 72 + 12, (50, 42)), light(k.accent, 0.25), alpha=210)
    for i in range(24):
        b.line(turned([(50, 33), (50, 15)], i * 15, (50, 42)), dark(k.main, 0.2), 0.5, alpha=150)
    for r in (13, 20, 27):
        b.line(arc(50, 42, r, r, 0, 360), dark(k.main, 0.2), 0.5, alpha=150)
    b.oval(50, 42, 8, 8, slant(light(k.main, 0.3), k.main))
    b.text(k.label, 50, 42, 3.6, ink_on(k.main), fit=13, weight="black")
    for i in range(3):
        b.oval(44 + i * 6, 82, 1.3, 1.3, k.accent if i == 0 else light(k.main, 0.5))


def lamp(b: Brush, k: Look) -> None:
    b.shape([(30, 44), (70, 44), (86, 84), (14, 84)], (255, 232, 160), alpha=60)
    b.slab(48.4, 44, 3.2, 36, metal(), r=1)
    b.slab(34, 79, 32, 6, round_shade(k.second), r=3)
    b.oval(50, 45, 7, 5, (255, 246, 214))
    shade = [(40, 16), (60, 16), (74, 46), (26, 46)]
    b.shape(
        shade,
        Shade(
            (dark(k.main, 0.12), light(k.main, 0.4), light(k.main, 0.2), dark(k.main, 0.18)), 1, 0
        ),
    )
    b.inside(shade)
    for x in range(28, 74, 4):
        b.line([(50 + (x - 50) * 0.42, 16), (x, 46)], dark(k.main, 0.3), 0.3, alpha=110)
    b.slab(24, 42.6, 52, 2, k.accent, r=0)
    b.inside(None)
    b.text(k.label, 50, 33, 5, ink_on(k.main), fit=18, alpha=220)
    b.oval(50, 82, 1.4, 1.4, (255, 210, 120))


def box(b: Brush, k: Look) -> None:
    """A gift box with a ribbon."""
    b.shape([(20, 44), (64, 40), (64, 86), (20, 84)], slant(light(k.main, 0.2), k.main))
    b.shape([(64, 40), (82, 45), (82, 80), (64, 86)], down(dark(k.main, 0.15), dark(k.main, 0.35)))
    b.shape(
        [(17, 34), (66, 30), (66, 43), (17, 46)], slant(light(k.main, 0.35), light(k.main, 0.08))
    )
    b.shape([(66, 30), (85, 35), (85, 46), (66, 43)], dark(k.main, 0.22))
    b.shape([(17, 34), (38, 29), (85, 35), (66, 30)], light(k.main, 0.5))
    b.shape([(37, 32.4), (46, 31.6), (46, 85), (37, 84.6)], slant(light(k.accent, 0.3), k.accent))
    for turn in (215, 325):
        ribbon: list[Point] = [(42, 31), (54, 25), (60, 29), (54, 34)]
        b.smooth(turned(ribbon, turn, (42, 31)), slant(light(k.accent, 0.35), dark(k.accent, 0.1)))
    b.oval(42, 31, 3, 2.8, dark(k.accent, 0.12))
    b.text(k.label, 55, 62, 5, ink_on(k.main), fit=15, weight="black")


def dryer(b: Brush, k: Look) -> None:
    b.shape(turned(slab_points(50, 48, 11, 38, 5), 10, (54, 50)), round_shade(dark(k.main, 0.05)))
    b.shape([(16, 26), (30, 24), (30, 54), (16, 52)], round_shade(dark(k.second, 0.3)))
    b.smooth(
        [(26, 26), (50, 20), (76, 24), (84, 40), (76, 55), (50, 58), (26, 53)],
        down(light(k.main, 0.45), k.main, dark(k.main, 0.22)),
    )
    b.oval(74, 40, 8, 14, slant(light(k.second, 0.2), dark(k.second, 0.2)))
    for r in (10, 7, 4):
        b.line(arc(74, 40, r * 0.55, r, 0, 360), dark(k.second, 0.45), 0.7)
    b.shape(turned(slab_points(52.4, 60, 3, 8, 1.5), 10, (54, 50)), k.accent)
    b.text(k.label, 48, 40, 7.4, ink_on(k.main), fit=30, weight="black")
    b.smooth([(32, 29), (50, 25), (66, 27), (50, 29)], WHITE, alpha=150)
    shine(b, 19, 30, 1.6, 16, 80)


KINDS = {
    "tent": tent,
    "lantern": lantern,
    "robot": robot,
    "blocks": blocks,
    "plush": plush,
    "notebook": notebook,
    "pen": pen,
    "book": book,
    "dumbbell": dumbbell,
    "mat": mat,
    "fan": fan,
    "lamp": lamp,
    "box": box,
    "dryer": dryer,
}

"""Drawings of beauty, baby, jewellery and flower things."""

from dougong.cli.demo.scene_brush import (
    INK,
    WHITE,
    Brush,
    Colour,
    Shade,
    arc,
    curve,
    dark,
    lathe,
    light,
    metal,
    mix,
    round_shade,
    slab_points,
    slant,
    turned,
)
from dougong.cli.demo.scene_look import Look, badge, ink_on, leaf, pattern, petals, shine

GOLD: Colour = (222, 178, 98)


def serum(b: Brush, k: Look) -> None:
    glass = lathe([(40, 9), (43, 14), (47, 20), (60, 21), (80, 21), (85, 18)])
    b.shape(
        glass, Shade((dark(k.main, 0.25), light(k.main, 0.45), k.main, dark(k.main, 0.15)), 1, 0)
    )
    b.inside(glass)
    b.slab(25, 54, 50, 34, k.main, r=0, alpha=120)
    b.oval(50, 54, 22, 2.4, light(k.main, 0.5), alpha=190)
    b.slab(48.8, 40, 2.4, 38, WHITE, r=1, alpha=110)
    b.inside(None)
    b.slab(41, 31, 18, 10, metal(GOLD if k.dice.random() < 0.5 else k.second), r=1.4)
    b.shape(lathe([(10, 5), (13, 6.6), (24, 6.6), (31, 7.6)]), round_shade(k.second))
    badge(b, k, 35, 58, 30, 20)
    shine(b, 33, 48, 2, 32, 140)
    drop = [(78, 60), (82, 68), (78, 73), (74, 68)]
    b.smooth(drop, slant(light(k.main, 0.6), k.main), alpha=210)
    b.oval(76.8, 67, 1, 1.8, WHITE, alpha=180)


def jar(b: Brush, k: Look) -> None:
    b.slab(22, 50, 56, 33, round_shade(light(k.main, 0.35)), r=7)
    b.oval(50, 52, 28, 6, light(k.main, 0.55))
    b.slab(27, 57, 46, 22, round_shade(k.main), r=6, alpha=150)
    b.slab(20.5, 32, 59, 17, metal(GOLD) if k.dice.random() < 0.4 else round_shade(k.second), r=4)
    b.oval(50, 33.5, 29, 5.6, slant(light(k.second, 0.6), light(k.second, 0.1)))
    b.oval(50, 33.5, 23, 4, light(k.second, 0.25), alpha=140)
    badge(b, k, 33, 57, 34, 20)
    shine(b, 26, 53, 2.2, 24, 150)


def tube(b: Brush, k: Look) -> None:
    body = [(30, 13), (70, 13), (66, 62), (63, 72), (37, 72), (34, 62)]
    b.shape(body, round_shade(k.main))
    b.slab(29.6, 12, 40.8, 7, light(k.main, 0.25), r=1)
    for i in range(20):
        b.slab(31 + i * 2, 13, 0.5, 5, dark(k.main, 0.3), r=0, alpha=80)
    b.slab(36, 71, 28, 14, round_shade(k.second), r=2.5)
    b.text(k.label, 50, 32, 9, ink_on(k.main), fit=30, weight="black")
    b.slab(40, 40, 20, 1, ink_on(k.main), r=0.5, alpha=190)
    for turn in (-150, -90, -30):
        leaf(b, 50, 58, 11, light(k.accent, 0.1), turn)
    shine(b, 36, 22, 2, 42, 120)


def lipstick(b: Brush, k: Look) -> None:
    b.slab(24, 56, 20, 28, round_shade(k.second), r=1.6)
    b.slab(26, 42, 16, 15, metal(GOLD), r=1)
    bullet = [(28, 43), (28, 26), (31, 19), (38, 14), (40, 18), (40, 43)]
    b.shape(bullet, round_shade(k.main))
    b.smooth([(29.4, 26), (32, 20), (38, 15), (38.6, 19), (34, 24)], light(k.main, 0.4))
    b.slab(24, 62, 20, 1.4, metal(GOLD), r=0.4)
    b.text(k.label, 34, 72, 4.4, ink_on(k.second), fit=17)
    b.slab(56, 44, 21, 40, round_shade(dark(k.second, 0.1)), r=2)
    b.slab(56, 78, 21, 3, metal(GOLD), r=0.4)
    b.oval(66.5, 45, 10.4, 2, light(k.second, 0.3))
    smear = [(54, 24), (66, 18), (82, 20), (86, 27), (76, 31), (62, 33), (56, 30)]
    b.smooth(smear, slant(light(k.main, 0.2), k.main))
    b.line(curve([(59, 27), (68, 23), (80, 24)], closed=False), light(k.main, 0.5), 1, alpha=180)
    shine(b, 58.5, 49, 1.6, 26)


def palette(b: Brush, k: Look) -> None:
    """An open case of eyeshadows or blush, with a mirror."""
    lid = [(22, 12), (78, 12), (80, 46), (20, 46)]
    b.shape(lid, slant(dark(k.second, 0.05), dark(k.second, 0.35)))
    b.shape([(25, 15), (75, 15), (76.6, 43), (23.4, 43)], slant((238, 244, 250), (176, 192, 208)))
    b.shape([(34, 15), (48, 15), (36, 43), (24, 43)], WHITE, alpha=120)
    b.slab(18, 46, 64, 38, slant(light(k.second, 0.12), dark(k.second, 0.2)), r=4)
    b.slab(21, 49, 58, 30, dark(k.second, 0.45), r=2.5)
    tones = [light(k.main, 0.55), light(k.main, 0.25), k.main, k.accent]
    tones += [dark(k.main, 0.2), light(k.accent, 0.4), mix(k.main, GOLD, 0.6), dark(k.accent, 0.3)]
    for i, tone in enumerate(tones):
        x, y = 23 + i % 4 * 13.7, 51 + i // 4 * 13.4
        b.slab(x, y, 12.4, 12, slant(light(tone, 0.25), tone), r=1.6)
        b.line([(x + 2, y + 9), (x + 9, y + 2.5)], light(tone, 0.45), 0.7, alpha=150)
    b.slab(44, 44.6, 12, 3, metal(GOLD), r=1)
    b.text(k.label, 50, 81.4, 3, ink_on(k.second), fit=30)


def baby_bottle(b: Brush, k: Look) -> None:
    body = lathe([(38, 15), (44, 18), (56, 16.4), (66, 18), (80, 18), (85, 14)])
    b.shape(body, Shade(((206, 222, 232), WHITE, (240, 246, 250), (196, 212, 224)), 1, 0))
    b.inside(body)
    milk = light(k.second, 0.8)
    b.slab(28, 52, 44, 36, Shade((dark(milk, 0.1), WHITE, milk, dark(milk, 0.08)), 1, 0), r=0)
    b.inside(None)
    b.slab(33, 29, 34, 10, round_shade(k.main), r=3)
    for i in range(10):
        b.slab(35 + i * 3.1, 31, 1, 6.6, dark(k.main, 0.3), r=0.5, alpha=80)
    nipple = lathe([(9, 2.6), (13, 4), (17, 3.6), (23, 9), (29, 11)])
    b.shape(nipple, Shade(((236, 190, 150), (255, 226, 196), (240, 200, 164)), 1, 0))
    for i in range(5):
        b.slab(54, 50 + i * 6.4, 8 if i % 2 == 0 else 5, 0.9, dark(k.main, 0.25), r=0.4, alpha=190)
    b.oval(43, 60, 6, 5.4, k.main)
    for x in (38.4, 47.6):
        b.oval(x, 55.4, 2.3, 2.3, k.main)
    for x in (41, 45):
        b.oval(x, 59, 0.8, 0.9, INK)
    b.oval(43, 62, 2, 1.4, light(k.main, 0.6))
    b.text(k.label, 45, 74, 4.4, dark(k.main, 0.35), fit=20)
    shine(b, 35, 45, 2, 34, 170)


def ring(b: Brush, k: Look) -> None:
    gold = mix(GOLD, k.second, 0.25)
    band = [*arc(50, 60, 26, 25, 0, 360), *arc(50, 60, 20.6, 19.8, 360, 0)]
    b.shape(
        band,
        Shade(
            (dark(gold, 0.35), light(gold, 0.5), gold, light(gold, 0.65), dark(gold, 0.3)), 1, 0.4
        ),
    )
    glint = [*arc(50, 60, 24.4, 23.4, 100, 160), *arc(50, 60, 22.6, 21.8, 160, 100)]
    b.shape(glint, WHITE, alpha=190)
    for x in (37, 63):
        b.line([(50, 40), (x + (50 - x) * 0.2, 31)], dark(gold, 0.1), 1.8)
    gem = [(34, 25), (41, 17), (59, 17), (66, 25), (50, 43)]
    b.shape(gem, slant(light(k.main, 0.6), k.main))
    b.shape([(34, 25), (41, 17), (44, 25)], light(k.main, 0.75))
    b.shape([(44, 25), (41, 17), (59, 17), (56, 25)], light(k.main, 0.5))
    b.shape([(56, 25), (59, 17), (66, 25)], light(k.main, 0.25))
    b.shape([(34, 25), (44, 25), (50, 43)], light(k.main, 0.2))
    b.shape([(44, 25), (56, 25), (50, 43)], light(k.main, 0.42))
    b.shape([(56, 25), (66, 25), (50, 43)], dark(k.main, 0.12))
    for x, y, r in ((70, 14, 5), (28, 20, 3.4), (76, 40, 3)):
        b.shape(
            [
                (x, y - r),
                (x + r / 5, y - r / 5),
                (x + r, y),
                (x + r / 5, y + r / 5),
                (x, y + r),
                (x - r / 5, y + r / 5),
                (x - r, y),
                (x - r / 5, y - r / 5),
            ],
            WHITE,
            alpha=230,
        )


def necklace(b: Brush, k: Look) -> None:
    bust = [
        (50, 8),
        (58, 9),
        (60, 26),
        (74, 36),
        (80, 56),
        (70, 84),
        (30, 84),
        (20, 56),
        (26, 36),
        (40, 26),
        (42, 9),
    ]
    b.smooth(
        bust, Shade((light(k.second, 0.55), light(k.second, 0.78), light(k.second, 0.4)), 1, 0.3)
    )
    chain = curve(
        [(41, 24), (38, 40), (44, 54), (50, 60), (56, 54), (62, 40), (59, 24)], closed=False
    )
    b.line([(x + 0.6, y + 1) for x, y in chain], INK, 0.8, alpha=70)
    b.line(chain, dark(GOLD, 0.1), 0.9)
    for x, y in chain[2::4]:
        b.oval(x, y, 1, 1, light(GOLD, 0.4))
    b.smooth([(50, 59), (56, 68), (50, 76), (44, 68)], dark(GOLD, 0.05))
    b.smooth([(50, 61), (54.6, 68), (50, 74.4), (45.4, 68)], slant(light(k.main, 0.55), k.main))
    b.shape([(50, 62), (53, 68), (50, 69), (47.6, 67)], WHITE, alpha=110)
    for x in (38.5, 61.5):
        b.oval(x, 40, 1.7, 1.7, slant(WHITE, k.main))


def earrings(b: Brush, k: Look) -> None:
    b.slab(24, 18, 52, 66, slant(light(k.second, 0.85), light(k.second, 0.55)), r=3)
    b.text(k.label, 50, 76, 4.6, dark(k.main, 0.4), fit=36)
    round_drop = k.dice.random() < 0.5
    for x in (38, 62):
        b.oval(x + 0.8, 32.8, 3.2, 3.2, INK, alpha=60)
        b.oval(x, 32, 3.2, 3.2, slant(light(GOLD, 0.7), dark(GOLD, 0.15)))
        b.line([(x, 35), (x, 42)], dark(GOLD, 0.1), 0.8)
        if round_drop:
            b.oval(x + 1, 51, 8, 8, INK, alpha=50)
            b.oval(x, 50, 8, 8, slant(light(k.main, 0.85), k.main))
            b.oval(x - 2.6, 47, 2.2, 1.7, WHITE, alpha=220)
        else:
            for i, r in enumerate((9, 6.6)):
                b.shape(
                    [
                        *arc(x, 52, r, r * 1.15, 0, 360),
                        *arc(x, 52, r - 1.6, r * 1.15 - 1.8, 360, 0),
                    ],
                    slant(light(GOLD, 0.5), mix(GOLD, k.main, 0.2 + i * 0.3)),
                )
            b.oval(x, 52, 2.6, 3, slant(light(k.main, 0.6), k.main))


def rose(b: Brush, x: float, y: float, r: float, tone: Colour, *, turn: float) -> None:
    b.oval(x, y, r * 0.92, r * 0.88, dark(tone, 0.12))
    for ring_no in range(3):
        rx, ry = r * (0.46 - ring_no * 0.1), r * (0.4 - ring_no * 0.09)
        top = (x, y - r * (0.55 - ring_no * 0.2))
        for j in range(5):
            spot = turned([top], j * 72 + ring_no * 36 + turn, (x, y))[0]
            b.oval(*spot, rx, ry, light(tone, 0.1 + 0.12 * ring_no))
    b.oval(x, y, r * 0.14, r * 0.14, dark(tone, 0.15))


def bouquet(b: Brush, k: Look) -> None:
    for i in range(9):
        leaf(b, 50, 46, 34, mix((92, 136, 82), k.second, 0.15 * (i % 3)), 190 + i * 20)
    spots = [
        (50, 20),
        (33, 27),
        (67, 27),
        (42, 36),
        (59, 37),
        (26, 42),
        (75, 42),
        (50, 50),
        (36, 51),
        (65, 52),
    ]
    tones = (k.main, light(k.main, 0.35), k.accent, light(k.accent, 0.4))
    for i, (x, y) in enumerate(spots):
        tone, r = tones[i % 4], 9.5
        if i % 3 == 2:
            petals(b, x, y, r, tone, count=9, turn=i * 11)
            continue
        rose(b, x, y, r, tone, turn=i * 9)
    paper = [(20, 50), (36, 60), (50, 57), (64, 60), (80, 50), (62, 88), (38, 88)]
    b.shape(
        paper,
        Shade(
            (
                dark(k.second, 0.05),
                light(k.second, 0.6),
                light(k.second, 0.2),
                dark(k.second, 0.15),
            ),
            1,
            0,
        ),
    )
    b.shape([(20, 50), (44, 88), (38, 88)], light(k.second, 0.7), alpha=160)
    b.shape([(80, 50), (56, 88), (62, 88)], dark(k.second, 0.3), alpha=70)
    b.slab(38, 72, 24, 4, k.accent, r=1)
    for turn in (25, 155):
        leaf(b, 50, 74, 13, k.accent, turn)
    b.oval(50, 74, 2.4, 2.4, dark(k.accent, 0.2))


def plant(b: Brush, k: Look) -> None:
    green = mix((76, 138, 88), k.accent, 0.2)
    for i in range(13):
        turn = -170 + i * 13.5
        leaf(
            b,
            50 + (i - 6) * 0.8,
            56,
            k.dice.uniform(27, 42),
            mix(green, WHITE, 0.05 * (i % 4)),
            turn,
        )
    for i in range(3 if k.dice.random() < 0.6 else 0):
        x, y = 38 + i * 13, 26 - (i % 2) * 8
        b.line([(50, 56), (x, y)], dark(green, 0.2), 0.8)
        petals(b, x, y, 6, k.second, count=6, turn=i * 20)
    pot_shape = [(30, 56), (70, 56), (65, 85), (35, 85)]
    b.shape(pot_shape, round_shade(k.main))
    b.inside(pot_shape)
    pattern(b, k, (30, 66, 40, 12))
    b.inside(None)
    b.slab(27.5, 52, 45, 8, round_shade(light(k.main, 0.1)), r=2)
    b.text(k.label, 50, 82, 3.4, ink_on(k.main), fit=22, alpha=200)


def sheet_mask(b: Brush, k: Look) -> None:
    """A fanned pair of sachets, for masks and wipes."""
    for turn, tone in ((-11, k.second), (7, k.main)):
        pack = slab_points(29, 16, 42, 66, 2)
        b.shape(turned([(x + 1, y + 1.4) for x, y in pack], turn), INK, alpha=50)
        b.shape(
            turned(pack, turn),
            Shade((light(tone, 0.4), tone, light(tone, 0.2), dark(tone, 0.1)), 1, 0.3),
        )
        for y in (18, 77):
            b.shape(turned(slab_points(29, y, 42, 3, 0.5), turn), light(tone, 0.5), alpha=120)
    b.oval(47, 60, 12, 14.5, light(k.main, 0.75))
    for x in (42, 52):
        b.oval(x, 57, 3, 1.7, k.main)
    b.oval(47, 67, 3.6, 1.5, k.main)
    b.smooth([(47, 58), (49, 63), (45, 63)], dark(k.main, 0.1), alpha=90)
    b.text(k.label, 53, 32, 9, ink_on(k.main), fit=30, weight="black")


KINDS = {
    "serum": serum,
    "jar": jar,
    "tube": tube,
    "lipstick": lipstick,
    "palette": palette,
    "baby_bottle": baby_bottle,
    "ring": ring,
    "necklace": necklace,
    "earrings": earrings,
    "bouquet": bouquet,
    "plant": plant,
    "sheet_mask": sheet_mask,
}

"""Drawings of tea, table and kitchen things."""

from dougong.cli.demo.scene_brush import (
    INK,
    WHITE,
    Brush,
    Colour,
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
from dougong.cli.demo.scene_look import Look, badge, ink_on, leaf, pattern, petals, shine


def tea_tin(b: Brush, k: Look) -> None:
    top = k.dice.choice((22, 28, 34))
    b.slab(27, top + 6, 46, 84 - top - 6, round_shade(k.main), r=3)
    b.oval(50, 83, 23, 4.5, round_shade(dark(k.main, 0.15)))
    b.slab(27, top + 8, 46, 74 - top, round_shade(k.main), r=0)
    b.slab(25.5, top, 49, 13, round_shade(k.second), r=3)
    b.oval(50, top + 1.5, 24.4, 4.4, down(light(k.second, 0.55), light(k.second, 0.15)))
    b.slab(25.5, top + 11.6, 49, 1.1, light(k.second, 0.5), r=0.4, alpha=150)
    badge(b, k, 33, 47, 30, 24)
    for turn in (200, 250, 300, 340):
        leaf(b, 48, 44, 7, k.accent, turn)
    shine(b, 31, top + 17, 2.2, 58 - top * 0.6)


def teacup(b: Brush, k: Look) -> None:
    b.oval(50, 82, 33, 6, down(light(k.second, 0.6), k.second))
    b.oval(50, 80.6, 25, 4, dark(k.second, 0.2))
    body = lathe([(48, 30), (56, 29.5), (68, 25), (76, 17), (81, 12)])
    b.shape(body, round_shade(light(k.main, 0.25)))
    b.inside(body)
    for i in range(7):
        petals(b, 22 + i * 9.5, 63 + (i % 2) * 6, 5, k.accent, turn=i * 17)
    b.slab(15, 50, 70, 1, k.accent, r=0)
    b.inside(None)
    b.oval(50, 48, 30, 7, light(k.main, 0.7))
    b.oval(50, 48.8, 27.5, 5.6, down(mix((120, 66, 20), k.accent, 0.25), (196, 128, 48)))
    b.oval(43, 48, 10, 1.3, WHITE, alpha=90)
    for x, lift in ((42, 0), (50, -5), (58, 1)):
        steam = curve([(x, 40), (x + 3, 33 + lift), (x - 3, 26 + lift), (x + 2, 18)], closed=False)
        b.line(steam, WHITE, 1.8, alpha=120)
    shine(b, 25, 54, 2.2, 13)


def pouch(b: Brush, k: Look) -> None:
    """A stand-up bag with a window or a print, for snacks, tea and pet food."""
    body = [(27, 18), (73, 18), (75, 40), (77, 70), (74, 85), (50, 87), (26, 85), (23, 70)]
    outline = [(27, 16), (73, 16), *curve(body[2:], closed=False), (25, 40)]
    b.shape(
        outline, Shade((dark(k.main, 0.15), light(k.main, 0.2), k.main, dark(k.main, 0.2)), 1, 0)
    )
    b.inside(outline)
    b.smooth([(20, 62), (38, 57), (60, 64), (80, 58), (82, 90), (20, 92)], k.second)
    for _ in range(9):
        x, y = k.dice.uniform(30, 70), k.dice.uniform(67, 82)
        b.oval(x, y, 4.2, 3.4, slant(light(k.accent, 0.45), k.accent))
        b.oval(x - 1, y - 1, 1.3, 0.8, WHITE, alpha=130)
    b.slab(20, 13, 60, 8, dark(k.main, 0.18), r=0)
    for i in range(24):
        b.slab(26 + i * 2, 15, 0.6, 6, WHITE, r=0, alpha=60)
    b.inside(None)
    b.text(k.label, 50, 36, 13, ink_on(k.main), fit=39, weight="black")
    b.slab(33, 46, 34, 5.4, k.second, r=2.7)
    for i in range(3):
        b.oval(42 + i * 8, 48.7, 1.5, 1.5, k.accent)
    b.smooth([(29, 24), (32, 24), (31, 50), (29, 78), (27, 60)], WHITE, alpha=70)
    b.smooth([(70, 24), (72, 40), (72, 70), (69, 50)], dark(k.main, 0.6), alpha=50)


def bowl(b: Brush, k: Look) -> None:
    body = lathe([(44, 34), (52, 33), (64, 27), (74, 18), (80, 14), (84, 14)])
    b.shape(body, round_shade(k.main))
    b.inside(body)
    glaze = [
        (14, 40),
        (86, 40),
        (86, 56),
        (74, 62),
        (62, 56),
        (50, 64),
        (38, 57),
        (26, 62),
        (14, 55),
    ]
    b.smooth(glaze, Shade((dark(k.second, 0.2), light(k.second, 0.3), k.second, k.second), 1, 0))
    for _ in range(40):
        x, y = k.dice.uniform(16, 84), k.dice.uniform(46, 84)
        b.oval(x, y, 0.5, 0.4, dark(k.main, 0.5), alpha=120)
    b.inside(None)
    b.oval(50, 44, 34, 8.6, light(k.second, 0.45))
    b.oval(50, 45, 31.4, 7, down(dark(k.second, 0.35), light(k.second, 0.12)))
    b.oval(50, 48, 20, 3, light(k.second, 0.3), alpha=90)
    shine(b, 24, 52, 2.4, 12)
    b.text(k.label, 50, 72.5, 4, ink_on(k.main), fit=22, alpha=170)


def plate(b: Brush, k: Look) -> None:
    b.oval(50, 54, 38, 31, slant(light(k.main, 0.6), dark(k.main, 0.12)))
    b.oval(50, 53, 37, 29.8, slant(light(k.main, 0.8), light(k.main, 0.2)))
    for i in range(18):
        spot = turned([(50, 25.5)], i * 20, (50, 53))[0]
        x, y = 50 + (spot[0] - 50) * 1.2, 53 + (spot[1] - 53) * 0.97
        petals(b, x, y, 3.6, k.accent, count=5, turn=i * 20)
    b.oval(50, 53, 25, 20, slant(dark(k.main, 0.12), light(k.main, 0.5)))
    b.oval(50, 53.8, 24, 19, slant(light(k.main, 0.65), light(k.main, 0.3)))
    for turn in range(0, 360, 45):
        leaf(b, 50, 54, 9, mix(k.second, k.accent, 0.3), turn)
    petals(b, 50, 54, 6, k.accent, count=8)
    b.shape([*arc(50, 53, 34, 27, 190, 240), *arc(50, 53, 32, 25, 240, 190)], WHITE, alpha=120)


def mug(b: Brush, k: Look) -> None:
    for width, colour in ((7.5, dark(k.main, 0.2)), (5, light(k.main, 0.12))):
        b.line(arc(71, 57, 13, 15, -90, 95), colour, width)
    body = lathe([(30, 26), (50, 26), (72, 25), (82, 22), (84, 20)], centre=46)
    b.shape(body, round_shade(k.main))
    b.inside(body)
    pattern(b, k, (20, 56, 52, 18))
    b.slab(18, 74, 60, 12, k.second, r=0, alpha=210)
    b.inside(None)
    b.oval(46, 30, 26, 6, light(k.main, 0.5))
    b.oval(46, 30.8, 23.5, 4.7, down(dark(k.main, 0.5), (122, 78, 48)))
    b.oval(42, 31, 9, 1.2, (224, 190, 150), alpha=180)
    b.text(k.label, 46, 48, 8, ink_on(k.main), fit=36, weight="black")
    shine(b, 25, 36, 2.4, 32)


def vase(b: Brush, k: Look) -> None:
    lean = k.dice.choice((-1, 1))
    stems = [(50 + lean * 4, 12), (50 - lean * 13, 18), (50 + lean * 17, 22)]
    for x, y in stems:
        b.line(
            curve([(50, 46), (50 + (x - 50) * 0.4, 32), (x, y)], closed=False), (108, 128, 84), 1
        )
        leaf(b, 50 + (x - 50) * 0.5, 30, 8, (126, 152, 96), 200 if x < 50 else -20)
        petals(b, x, y, 7.5, k.accent, count=7, turn=x)
    body = lathe([(40, 8), (46, 7), (54, 15), (65, 22), (76, 18), (85, 12)])
    b.shape(body, round_shade(k.main))
    b.inside(body)
    glaze = [(20, 36), (80, 36), (80, 60), (68, 66), (58, 60), (46, 68), (34, 61), (20, 66)]
    b.smooth(glaze, Shade((dark(k.second, 0.2), light(k.second, 0.35), k.second, k.second), 1, 0))
    b.inside(None)
    b.oval(50, 40, 8, 2, dark(k.second, 0.4))
    b.text(k.label, 50, 77, 4, ink_on(k.main), fit=26, alpha=190)
    shine(b, 36, 58, 2.6, 14)


def pan(b: Brush, k: Look) -> None:
    handle = slab_points(70, 43, 27, 7.5, 3.7)
    b.shape(turned(handle, -14, (62, 48)), down(light(k.accent, 0.2), dark(k.accent, 0.3)))
    b.oval(42, 58, 34, 25, dark(k.main, 0.5))
    b.oval(42, 55, 34, 25, slant(light(k.main, 0.3), dark(k.main, 0.25)))
    b.oval(42, 55.4, 30.5, 22, slant(dark(k.main, 0.45), dark(k.main, 0.1)))
    b.oval(42, 57, 27, 18.4, slant(dark(INK, 0.1), mix(INK, k.main, 0.3)))
    b.shape([*arc(42, 57, 24, 16, 190, 260), *arc(42, 57, 22, 14, 260, 190)], WHITE, alpha=60)
    white = [(28, 55), (38, 47), (50, 48), (58, 57), (52, 66), (40, 64), (30, 64)]
    b.smooth([(x, y + 0.8) for x, y in white], (214, 206, 186))
    b.smooth(white, (253, 250, 242))
    b.oval(44, 56, 7, 5.6, slant((255, 214, 92), (244, 160, 36)))
    b.oval(42, 54, 2, 1.2, WHITE, alpha=180)
    b.text(k.label, 44, 85, 4.2, dark(k.main, 0.3), fit=30, alpha=150)


def pot(b: Brush, k: Look) -> None:
    for x in (17, 77):
        b.slab(x, 50, 9, 6, down(light(k.accent, 0.3), dark(k.accent, 0.2)), r=3)
    body = lathe([(44, 30), (60, 30), (76, 29), (83, 25), (85, 20)])
    b.shape(body, round_shade(k.main))
    b.slab(20, 43, 60, 3, light(k.main, 0.3), r=1.5)
    lid = [*arc(50, 43, 31, 15, 180, 360), (81, 44), (19, 44)]
    b.shape(lid, round_shade(light(k.main, 0.06)))
    b.slab(18.6, 42, 62.8, 2.6, dark(k.main, 0.2), r=1.3)
    b.slab(47, 25, 6, 5, metal(), r=1)
    b.oval(50, 24, 6.4, 3.6, down(light(k.accent, 0.4), dark(k.accent, 0.2)))
    b.shape([*arc(50, 42, 26, 11, 200, 250), *arc(50, 42, 24, 9.4, 250, 200)], WHITE, alpha=120)
    b.text(k.label, 50, 62, 9, ink_on(k.main), fit=40, weight="black", alpha=220)
    shine(b, 26, 50, 2.6, 22)


def knife(b: Brush, k: Look) -> None:
    board = slab_points(18, 30, 62, 46, 6)
    b.shape([(x, y + 2) for x, y in board], dark(k.second, 0.4))
    b.shape(board, slant(light(k.second, 0.35), k.second))
    b.inside(board)
    for i in range(7):
        grain = [(16, 34 + i * 7), (40, 35 + i * 7), (62, 33 + i * 7), (84, 35 + i * 7)]
        b.line(curve(grain, closed=False), dark(k.second, 0.25), 0.5, alpha=120)
    b.inside(None)
    blade = [(14, 44), (60, 38), (62, 56), (48, 58), (28, 56), (18, 51)]
    steel = Shade(((150, 156, 166), (236, 240, 245), (190, 196, 204), (244, 247, 250)), 0.3, 1)
    b.shape(turned([(x + 1, y + 2) for x, y in blade], -22), INK, alpha=70)
    b.shape(turned(blade, -22), steel)
    b.shape(
        turned([(60, 39), (88, 38), (91, 44), (88, 48), (60, 49)], -22),
        down(light(k.main, 0.2), dark(k.main, 0.3)),
    )
    for x in (66, 75, 84):
        b.oval(*turned([(x, 43.6)], -22)[0], 1.3, 1.3, (220, 222, 226))
    for i in range(4):
        b.oval(30 + i * 7, 68 - i * 0.8, 3.6, 4.6, slant((255, 150, 110), (222, 62, 48)))
        b.oval(30 + i * 7, 68 - i * 0.8, 2.4, 3.3, (250, 128, 96))


def can(b: Brush, k: Look) -> None:
    b.oval(50, 80, 29, 6, metal((150, 154, 162)))
    b.slab(21, 42, 58, 38, metal(), r=2)
    b.slab(21, 45.5, 58, 32, round_shade(k.main), r=1)
    b.oval(50, 77, 29, 5.4, round_shade(k.main))
    b.oval(50, 42, 29, 7, metal((206, 210, 216)))
    b.oval(50, 41.6, 26, 5.6, slant((240, 242, 246), (168, 173, 182)))
    b.oval(50, 42, 19, 3.8, slant((190, 195, 203), (230, 233, 238)))
    b.line(arc(55, 41, 5, 1.8, 0, 360), (128, 132, 140), 0.9)
    b.oval(36, 62, 11, 11, k.second)
    face: Colour = k.accent
    for tip in (29, 43):
        b.shape([(tip - 3.4, 59), (tip, 52), (tip + 3.4, 59)], face)
    b.oval(36, 63, 8.4, 7, slant(light(face, 0.25), face))
    for x in (33, 39):
        b.oval(x, 62, 1, 1.3, INK)
    b.shape([(35, 64.6), (37, 64.6), (36, 65.8)], (236, 120, 130))
    b.text(k.label, 62, 57, 8, ink_on(k.main), fit=27, weight="black")
    for y, w in ((64, 20), (68, 14)):
        b.slab(62 - w / 2, y, w, 1.6, ink_on(k.main), r=0.8, alpha=150)
    shine(b, 24, 47, 2, 28)


def thermos(b: Brush, k: Look) -> None:
    b.slab(34, 34, 32, 51, round_shade(k.main), r=5)
    b.shape(lathe([(28, 11), (31, 13), (35, 16)]), round_shade(k.main))
    b.slab(37, 14, 26, 15, round_shade(k.second), r=4)
    for i in range(8):
        b.slab(39.4 + i * 3, 17, 0.8, 9, dark(k.second, 0.4), r=0.4, alpha=110)
    b.line(arc(50, 13, 9, 8, 180, 360), k.accent, 2.4)
    b.slab(34, 74, 32, 4, k.accent, r=0, alpha=220)
    b.text(k.label, 50, 53, 8, ink_on(k.main), fit=26, weight="black")
    b.line([(40, 62), (46, 57.5), (50, 61), (55, 56.5), (60, 62)], ink_on(k.main), 1, alpha=200)
    shine(b, 38, 38, 2.2, 34, 110)


def kettle(b: Brush, k: Look) -> None:
    b.slab(24, 81, 50, 5, down((88, 88, 96), INK), r=2.5)
    for width, colour in ((8, dark(k.accent, 0.3)), (5.4, light(k.accent, 0.08))):
        b.line(
            curve([(62, 30), (82, 28), (86, 46), (78, 66), (70, 70)], closed=False), colour, width
        )
    spout = [(32, 46), (20, 36), (14, 26), (19, 24), (26, 32), (37, 36)]
    b.smooth(spout, Shade((dark(k.main, 0.25), light(k.main, 0.3), k.main), 1, 0.4))
    body = lathe([(30, 15), (36, 20), (54, 25), (72, 27), (82, 26)], centre=49)
    b.shape(body, round_shade(k.main))
    b.shape([*arc(49, 31, 15, 8, 180, 360), (64, 32), (34, 32)], round_shade(k.second))
    b.oval(49, 22, 4, 3.4, down(light(k.accent, 0.3), dark(k.accent, 0.3)))
    b.slab(24, 70, 50, 1.6, light(k.second, 0.3), r=0.8)
    b.text(k.label, 49, 55, 7.4, ink_on(k.main), fit=32, weight="black")
    b.oval(49, 76, 2, 2, (255, 196, 84))
    b.smooth([(33, 40), (36, 38), (33, 55), (30, 68), (28, 66)], WHITE, alpha=110)


KINDS = {
    "tea_tin": tea_tin,
    "teacup": teacup,
    "pouch": pouch,
    "bowl": bowl,
    "plate": plate,
    "mug": mug,
    "vase": vase,
    "pan": pan,
    "pot": pot,
    "knife": knife,
    "can": can,
    "thermos": thermos,
    "kettle": kettle,
}

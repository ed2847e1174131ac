"""Product pictures, drawn: a soft ground, a shadow and a silhouette made of a few simple shapes."""

import io
from collections.abc import Callable, Sequence
from functools import cache

from PIL import Image, ImageColor, ImageDraw, ImageFilter

SIZE = 640
# Everything is drawn on a 100 x 100 field at this scale, then shrunk: smooth edges without more code.
_SCALE = 12

_Colour = tuple[int, int, int]
_Box = tuple[float, float, float, float]


class Pen:
    """Draws on a 100 x 100 field in shades of one colour."""

    def __init__(self, draw: ImageDraw.ImageDraw, colour: _Colour) -> None:
        self._draw = draw
        self._colour = colour

    def oval(self, box: _Box, shade: float = 1.0) -> None:
        self._draw.ellipse([value * _SCALE for value in box], fill=_shade(self._colour, shade))

    def block(self, box: _Box, radius: float = 0, shade: float = 1.0) -> None:
        self._draw.rounded_rectangle(
            [value * _SCALE for value in box], radius=radius * _SCALE, fill=_shade(self._colour, shade)
        )

    def shape(self, points: Sequence[tuple[float, float]], shade: float = 1.0) -> None:
        self._draw.polygon([(x * _SCALE, y * _SCALE) for x, y in points], fill=_shade(self._colour, shade))

    def ring(self, box: _Box, width: float, shade: float = 1.0) -> None:
        self._draw.ellipse(
            [value * _SCALE for value in box], outline=_shade(self._colour, shade), width=int(width * _SCALE)
        )

    def line(self, points: Sequence[tuple[float, float]], width: float, shade: float = 1.0) -> None:
        self._draw.line(
            [(x * _SCALE, y * _SCALE) for x, y in points],
            fill=_shade(self._colour, shade),
            width=int(width * _SCALE),
            joint="curve",
        )


@cache
def draw_picture(*, shape: str, colour: str) -> bytes:
    """A WebP picture of the thing, 640 pixels square; the same picture for the same thing."""
    base = _rgb(colour)
    side = 100 * _SCALE
    picture = Image.new("RGB", (side, side), _shade(base, 1.0, towards_white=0.86))
    shadow = Image.new("L", (side, side), 0)
    ImageDraw.Draw(shadow).ellipse([22 * _SCALE, 74 * _SCALE, 78 * _SCALE, 84 * _SCALE], fill=110)
    # Blurred small: a blur at full size is most of the drawing time.
    shadow = shadow.resize((side // 8, side // 8)).filter(ImageFilter.GaussianBlur(3)).resize((side, side))
    picture.paste(_shade(base, 0.55), mask=shadow)
    SHAPES[shape](Pen(ImageDraw.Draw(picture), base))
    out = io.BytesIO()
    picture.resize((SIZE, SIZE), Image.Resampling.BOX).save(out, "WEBP", quality=88)
    return out.getvalue()


def _rgb(colour: str) -> _Colour:
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return red, green, blue


def _shade(colour: _Colour, factor: float, *, towards_white: float = 0.0) -> _Colour:
    red, green, blue = (
        min(255, int((channel * factor) * (1 - towards_white) + 255 * towards_white)) for channel in colour
    )
    return red, green, blue


def _mug(pen: Pen) -> None:
    pen.ring((58, 40, 82, 66), 5, 0.85)
    pen.block((28, 32, 68, 78), 6)
    pen.oval((28, 28, 68, 38), 0.7)


def _pot(pen: Pen) -> None:
    pen.line([(60, 50), (80, 36), (84, 26)], 5, 0.85)
    pen.ring((18, 36, 42, 64), 4, 0.8)
    pen.shape([(38, 34), (62, 34), (70, 78), (30, 78)])
    pen.shape([(38, 34), (62, 34), (50, 20)], 0.75)
    pen.oval((47, 15, 53, 21), 0.7)


def _glass(pen: Pen) -> None:
    for left, shade in ((20, 0.8), (40, 1.0), (60, 1.2)):
        pen.shape(
            [(left, 40), (left + 20, 40), (left + 15, 58), (left + 17, 78), (left + 3, 78), (left + 5, 58)], shade
        )


def _bowl(pen: Pen) -> None:
    pen.shape([(18, 46), (82, 46), (72, 68), (60, 78), (40, 78), (28, 68)])
    pen.oval((18, 38, 82, 54), 0.72)


def _plate(pen: Pen) -> None:
    pen.oval((16, 36, 84, 80))
    pen.oval((28, 44, 72, 72), 0.82)
    pen.oval((32, 47, 68, 69), 1.1)


def _spoon(pen: Pen) -> None:
    pen.line([(44, 44), (68, 80)], 5, 0.9)
    pen.oval((28, 18, 54, 52))
    pen.oval((33, 23, 49, 45), 0.8)


def _jar(pen: Pen) -> None:
    pen.block((32, 36, 68, 80), 8)
    pen.block((36, 24, 64, 38), 3, 0.7)
    pen.block((38, 50, 62, 66), 2, 1.35)


def _tagine(pen: Pen) -> None:
    pen.shape([(50, 18), (56, 30), (74, 64), (26, 64), (44, 30)])
    pen.oval((45, 14, 55, 24), 0.75)
    pen.block((18, 62, 82, 76), 7, 0.8)


def _tray(pen: Pen) -> None:
    pen.block((14, 46, 86, 78), 10)
    for left in (20, 42, 64):
        pen.oval((left, 52, left + 17, 72), 0.75)


def _press(pen: Pen) -> None:
    pen.line([(30, 30), (76, 40)], 6, 0.8)
    pen.line([(30, 72), (78, 60)], 6, 0.9)
    pen.oval((18, 34, 50, 66))
    pen.oval((25, 41, 43, 59), 1.25)


def _lamp(pen: Pen) -> None:
    pen.line([(50, 56), (50, 78)], 3, 0.55)
    pen.block((36, 76, 64, 80), 2, 0.55)
    pen.oval((26, 14, 74, 62))
    for inset in (6, 14):
        pen.ring((26 + inset, 14, 74 - inset, 62), 0.6, 0.85)


def _vase(pen: Pen) -> None:
    pen.line([(50, 30), (46, 10)], 1.6, 0.6)
    pen.line([(51, 30), (60, 12)], 1.6, 0.6)
    for box in ((40, 4, 50, 14), (56, 6, 66, 16), (48, 12, 56, 20)):
        pen.oval(box, 1.3)
    pen.shape([(44, 30), (56, 30), (58, 46), (66, 62), (60, 80), (40, 80), (34, 62), (42, 46)])


def _lantern(pen: Pen) -> None:
    pen.ring((44, 8, 56, 20), 1.6, 0.6)
    pen.shape([(50, 16), (66, 32), (34, 32)], 0.75)
    pen.shape([(34, 32), (66, 32), (70, 54), (62, 74), (38, 74), (30, 54)])
    pen.shape([(50, 36), (60, 54), (50, 70), (40, 54)], 1.5)
    pen.block((36, 74, 64, 80), 1, 0.75)


def _candle(pen: Pen) -> None:
    pen.shape([(50, 16), (54, 26), (50, 31), (46, 26)], 1.5)
    pen.line([(50, 30), (50, 38)], 1, 0.4)
    pen.block((34, 38, 66, 80), 4)
    pen.oval((34, 34, 66, 44), 1.25)


def _burner(pen: Pen) -> None:
    pen.oval((30, 28, 70, 64))
    pen.block((26, 54, 74, 62), 3, 0.75)
    pen.shape([(38, 62), (62, 62), (68, 80), (32, 80)])
    for box in ((44, 36, 48, 40), (54, 36, 58, 40), (49, 44, 53, 48)):
        pen.oval(box, 1.7)


def _mirror(pen: Pen) -> None:
    pen.oval((22, 16, 78, 72))
    pen.oval((27, 21, 73, 67), 1.45)
    pen.line([(40, 54), (58, 30)], 2, 1.7)


def _basket(pen: Pen) -> None:
    pen.ring((30, 18, 70, 70), 3, 0.75)
    pen.shape([(22, 44), (78, 44), (70, 80), (30, 80)])
    for row in (50, 58, 66, 74):
        pen.line([(26, row), (74, row)], 1.2, 0.78)


def _clock(pen: Pen) -> None:
    pen.oval((24, 22, 76, 74))
    pen.oval((29, 27, 71, 69), 2.6)
    pen.line([(50, 48), (50, 34)], 2)
    pen.line([(50, 48), (61, 53)], 2)
    pen.block((34, 72, 66, 79), 2, 0.8)


def _bookend(pen: Pen) -> None:
    for left, shade in ((24, 1.0), (56, 0.85)):
        pen.block((left, 28, left + 10, 80), 1, shade)
        pen.block((left, 70, left + 22, 80), 1, shade)
    pen.block((36, 40, 42, 70), 0.5, 1.4)
    pen.block((44, 34, 50, 70), 0.5, 1.2)


def _cushion(pen: Pen) -> None:
    pen.shape([(18, 26), (50, 32), (82, 26), (77, 53), (82, 80), (50, 75), (18, 80), (23, 53)])
    pen.line([(30, 40), (70, 66)], 1.2, 1.5)
    pen.line([(70, 40), (30, 66)], 1.2, 1.5)


def _woven(pen: Pen) -> None:
    pen.shape([(28, 22), (72, 22), (84, 80), (16, 80)])
    pen.shape([(33, 28), (67, 28), (76, 74), (24, 74)], 1.3)
    pen.shape([(50, 34), (62, 51), (50, 68), (38, 51)], 0.8)


def _bag(pen: Pen) -> None:
    pen.ring((36, 14, 64, 54), 3, 0.75)
    pen.shape([(26, 38), (74, 38), (80, 80), (20, 80)])


def _scarf(pen: Pen) -> None:
    pen.shape([(30, 20), (50, 20), (54, 80), (34, 80)])
    pen.shape([(52, 20), (68, 20), (74, 74), (56, 74)], 0.82)
    pen.block((28, 16, 72, 32), 8, 1.15)


def _shirt(pen: Pen) -> None:
    pen.shape([(34, 24), (16, 40), (26, 50), (34, 44), (34, 80), (66, 80), (66, 44), (74, 50), (84, 40), (66, 24)])
    pen.shape([(42, 24), (58, 24), (50, 34)], 0.7)
    pen.line([(50, 34), (50, 78)], 0.8, 0.8)


def _folded(pen: Pen) -> None:
    for top, shade in ((64, 0.8), (50, 1.0), (36, 1.2)):
        pen.block((20, top, 80, top + 15), 6, shade)


def _apron(pen: Pen) -> None:
    pen.ring((40, 12, 60, 34), 2, 0.75)
    pen.shape([(38, 28), (62, 28), (76, 46), (74, 80), (26, 80), (24, 46)])
    pen.block((40, 54, 60, 68), 2, 1.3)


SHAPES: dict[str, Callable[[Pen], None]] = {
    "mug": _mug,
    "pot": _pot,
    "glass": _glass,
    "bowl": _bowl,
    "plate": _plate,
    "spoon": _spoon,
    "jar": _jar,
    "tagine": _tagine,
    "tray": _tray,
    "press": _press,
    "lamp": _lamp,
    "vase": _vase,
    "lantern": _lantern,
    "candle": _candle,
    "burner": _burner,
    "mirror": _mirror,
    "basket": _basket,
    "clock": _clock,
    "bookend": _bookend,
    "cushion": _cushion,
    "rug": _woven,
    "mat": _woven,
    "bag": _bag,
    "scarf": _scarf,
    "shirt": _shirt,
    "towel": _folded,
    "cloth": _folded,
    "blanket": _folded,
    "apron": _apron,
}

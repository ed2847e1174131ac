"""Thirty things a small shop could sell. Prices in minor units of the shop's currency."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Good:
    """One product of the demo shop; `shape` and `colour` tell how its picture is drawn."""

    sku: str
    name: str
    category: str
    price: int
    stock: int
    shape: str
    colour: str
    description: str
    before: int | None = None
    sizes: tuple[str, ...] = ()
    is_featured: bool = False


CATEGORIES = {
    "kitchen": ("Kitchen", "Cups, pots and bowls for every day."),
    "home": ("Home", "Light, vases and things that stay."),
    "textiles": ("Textiles", "Woven by hand, washed by machine."),
}

TAGS = {
    "Handmade": ("KIT-001", "KIT-008", "HOM-007", "TEX-002"),
    "Gift": ("KIT-003", "HOM-001", "HOM-004", "TEX-004"),
}

GOODS = (
    Good(
        "KIT-001",
        "Desert mug",
        "kitchen",
        1490,
        40,
        "mug",
        "#c8643c",
        "A heavy stoneware mug for long mornings.",
        is_featured=True,
    ),
    Good(
        "KIT-002",
        "Cardamom coffee pot",
        "kitchen",
        4990,
        12,
        "pot",
        "#8a6d3b",
        "A dallah with a long spout; pours without a drop.",
        is_featured=True,
    ),
    Good(
        "KIT-003",
        "Tea glass, set of six",
        "kitchen",
        1890,
        25,
        "glass",
        "#3d8c7a",
        "Thin glass, thick bottom, cool rim.",
    ),
    Good(
        "KIT-004",
        "Breakfast bowl",
        "kitchen",
        1290,
        60,
        "bowl",
        "#3b6ea8",
        "Deep enough for beans, wide enough for two spoons.",
    ),
    Good(
        "KIT-005",
        "Serving plate",
        "kitchen",
        2790,
        18,
        "plate",
        "#b44a5a",
        "A plate for rice in the middle of the table.",
        before=3490,
    ),
    Good("KIT-006", "Olive wood spoon", "kitchen", 690, 120, "spoon", "#a9794b", "Oiled once, good for years."),
    Good("KIT-007", "Spice jar", "kitchen", 890, 80, "jar", "#d39b2a", "Keeps saffron dry and cumin loud."),
    Good("KIT-008", "Clay tagine", "kitchen", 5490, 7, "tagine", "#b5532e", "Slow heat, soft lamb, one pot to wash."),
    Good("KIT-009", "Date tray", "kitchen", 1590, 30, "tray", "#7a4a2a", "Three rooms for three kinds of dates."),
    Good("KIT-010", "Lemon press", "kitchen", 1190, 45, "press", "#d9b036", "Aluminium, one hinge, no batteries."),
    Good(
        "HOM-001", "Moon lamp", "home", 6990, 9, "lamp", "#e0b85a", "Warm light through ribbed paper.", is_featured=True
    ),
    Good(
        "HOM-002",
        "Reed vase",
        "home",
        3290,
        15,
        "vase",
        "#5c8a6b",
        "Tall, narrow, happy with one branch.",
        is_featured=True,
    ),
    Good(
        "HOM-003",
        "Ramadan lantern",
        "home",
        4490,
        22,
        "lantern",
        "#7b5ea7",
        "Cut metal and coloured glass.",
        before=5490,
    ),
    Good("HOM-004", "Oud candle", "home", 2190, 50, "candle", "#8c5a4a", "Forty hours of resin and wood."),
    Good("HOM-005", "Incense burner", "home", 2590, 20, "burner", "#4a5a6a", "A lid with stars, a dish for embers."),
    Good("HOM-006", "Wall mirror", "home", 7990, 5, "mirror", "#6a8fa8", "A round mirror in a brass ring."),
    Good("HOM-007", "Palm basket", "home", 2990, 14, "basket", "#b98a4a", "Woven flat in the south, folded by us."),
    Good("HOM-008", "Desk clock", "home", 3990, 11, "clock", "#3f4a5a", "Two hands, no tick."),
    Good("HOM-009", "Bookend, pair", "home", 1990, 26, "bookend", "#7d6b5d", "Marble offcuts that found work."),
    Good("HOM-010", "Key tray", "home", 990, 70, "tray", "#4f7f6f", "By the door, where keys belong."),
    Good(
        "TEX-001",
        "Night cushion",
        "textiles",
        2490,
        33,
        "cushion",
        "#2f4b7c",
        "Linen outside, feathers inside.",
        is_featured=True,
    ),
    Good(
        "TEX-002",
        "Runner rug",
        "textiles",
        12900,
        4,
        "rug",
        "#a43e3e",
        "Flat woven, two and a half metres.",
        is_featured=True,
    ),
    Good("TEX-003", "Market bag", "textiles", 1590, 90, "bag", "#5d7f3f", "Holds eleven kilos of oranges; we tried."),
    Good("TEX-004", "Cotton scarf", "textiles", 1990, 48, "scarf", "#b05c8a", "Soft from the first day.", before=2490),
    Good(
        "TEX-005",
        "House shirt",
        "textiles",
        3490,
        60,
        "shirt",
        "#4c8bb0",
        "Loose, light, and ironed by nobody.",
        sizes=("S", "M", "L"),
    ),
    Good(
        "TEX-006",
        "Bath towel",
        "textiles",
        2290,
        36,
        "towel",
        "#7fa8a0",
        "Waffle weave that dries overnight.",
        sizes=("Small", "Large"),
    ),
    Good("TEX-007", "Table cloth", "textiles", 3890, 16, "cloth", "#c09a5a", "Forgives pomegranate."),
    Good("TEX-008", "Prayer mat", "textiles", 4290, 21, "mat", "#3f6f5f", "Padded, folds to the size of a book."),
    Good("TEX-009", "Wool blanket", "textiles", 8990, 1, "blanket", "#6f4a5f", "The last one of the winter."),
    Good("TEX-010", "Apron", "textiles", 1790, 0, "apron", "#54606a", "Sold out more often than not."),
)

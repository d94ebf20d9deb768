"""Values that texts are written from in tests: plain ones, and ones that bite."""

from __future__ import annotations

from hypothesis import strategies as st

from assetgen.core.finish import Export, ExportFormat
from assetgen.core.listing import ListedAsset, ListedAtlas, ListedFile, Listing
from assetgen.core.sheet import Frame, Page, Rectangle, Sheet

ONE_PAGE = Sheet(
    name="ui",
    pages=(Page("public/art/ui #1.png", 128, 64),),
    frames=(
        Frame("1up", 0, Rectangle(2, 2, 16, 20), 24, 24, source_x=4, source_y=1),
        Frame("walk-0", 0, Rectangle(22, 2, 32, 32), 32, 32),
        Frame("walk-1", 0, Rectangle(58, 2, 32, 32), 32, 32),
    ),
    animations={"walk": ("walk-0", "walk-1", "walk-0")},
)

TWO_PAGES = Sheet(
    name="0ui",
    pages=(Page("public/ui-0.png", 64, 64), Page("public/ui-1.png", 64, 32)),
    frames=(
        Frame("a.b", 0, Rectangle(0, 0, 60, 60), 60, 60),
        Frame("c", 1, Rectangle(0, 0, 30, 30), 30, 30),
        Frame("d", 1, Rectangle(32, 0, 30, 30), 30, 30),
    ),
    animations={"spread": ("a.b", "c"), "close": ("c", "d")},
)

LISTING = Listing(
    assets=(
        ListedAsset(
            name="hero",
            file=ListedFile("public/art/hero.png", "png", 1024, 683),
            description='A keeper & her "lamp"\n  <at dusk>',
            tags=("web", "art"),
            variants=(
                ListedFile("public/img/hero 480.avif", "avif", 480, 320),
                ListedFile("public/img/hero 960.avif", "avif", 960, 640),
                ListedFile("public/img/hero 480.webp", "webp", 480, 320),
            ),
            colour="#1a2b3c",
            thumbhash="1QcSHQRnh493V4dIh4eXh1h4kJUI",
        ),
        ListedAsset(
            name="icon-1.b",
            file=ListedFile("public/icon.webp", "webp", 64, 64),
            frames=(
                ListedFile("public/icon/0.png", "png", 32, 64),
                ListedFile("public/icon/1.png", "png", 32, 64),
            ),
            colour="#ffffff",
            has_alpha=True,
        ),
    ),
    atlases=(
        ListedAtlas(ONE_PAGE, (("json-hash", "public/ui.json"), ("css", "public/ui.css"))),
        ListedAtlas(TWO_PAGES, ()),
    ),
)

EMPTY = Listing(assets=())


def export(export_format: ExportFormat, *, base: str = "/site/", sizes: str = "") -> Export:
    """An export of everything."""
    return Export(
        name="web",
        format=export_format,
        output="src/assets",
        members=("hero", "icon-1.b"),
        atlases=("ui", "0ui"),
        base=base,
        root="public",
        sizes=sizes,
    )


TEXT = st.text(max_size=12) | st.sampled_from(
    ["__proto__", "constructor", "</script>", '"""', "\\", "${x}", "\u202e", "a\u2028b", "😀", "'"]
)


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    """Any atlas whose names are any text."""
    names = draw(st.lists(TEXT, min_size=1, max_size=4, unique=True))
    count = draw(st.integers(1, 2))
    number = st.integers(0, 50)
    frames = []
    for name in names:
        width, height, x, y = (draw(number) + 1, draw(number) + 1, draw(number), draw(number))
        place = Rectangle(draw(number), draw(number), width, height)
        page = draw(st.integers(0, count - 1))
        frames.append(Frame(name, page, place, width + x, height + y, x, y))
    animations = draw(st.dictionaries(TEXT, st.lists(st.sampled_from(names)).map(tuple)))
    pages = tuple(Page(f"p/{draw(TEXT)}{page}.png", 99, 99) for page in range(count))
    return Sheet(draw(TEXT), pages, tuple(frames), animations)


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    """Any listing whose texts are any text."""
    side = st.integers(1, 5000)
    files = st.builds(
        ListedFile,
        TEXT.map(lambda text: f"public/{text}x"),
        st.sampled_from(["png", "webp", "avif", "jpeg"]),
        side,
        side,
    )
    several = st.lists(files, max_size=3).map(tuple)
    assets = st.builds(
        ListedAsset,
        name=TEXT,
        file=files,
        description=TEXT,
        tags=st.lists(TEXT, max_size=2).map(tuple),
        variants=several,
        frames=several,
        colour=st.sampled_from([None, "#012345"]),
        thumbhash=st.sampled_from([None, "1QcSHQRnh493V4dIh4eXh1h4kJUI"]),
    )
    data = st.lists(st.tuples(st.sampled_from(["css", "json"]), TEXT), max_size=2).map(tuple)
    return Listing(
        tuple(draw(st.lists(assets, max_size=3, unique_by=lambda asset: asset.name))),
        tuple(
            draw(
                st.lists(
                    st.builds(ListedAtlas, sheets(), data),
                    max_size=2,
                    unique_by=lambda atlas: atlas.sheet.name,
                )
            )
        ),
    )

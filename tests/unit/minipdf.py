"""Small PDFs written byte by byte, for tests that need text at known places or a broken file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FONTS = {"F1": "Helvetica", "F2": "Helvetica-Bold", "F3": "Courier"}


@dataclass
class Page:
    """A page of 400 × 600 points.

    Attributes:
        texts: (x, baseline y, size, text) or (x, y, size, text, font), drawn in this order; Latin-1 only.
        bars: (x0, x1, y) of horizontal lines half a point thick.
    """

    texts: Sequence[tuple] = ()
    bars: Sequence[tuple[float, float, float]] = field(default_factory=tuple)

    def content(self) -> bytes:
        parts = [f"{x0} {y - 0.25} {x1 - x0} 0.5 re f" for x0, x1, y in self.bars]
        for x, y, size, text, *font in self.texts:
            escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
            parts.append(f"BT /{font[0] if font else 'F1'} {size} Tf 1 0 0 1 {x} {y} Tm ({escaped}) Tj ET")
        return "\n".join(parts).encode("latin-1")


@dataclass
class Differences:
    """A font that is not in the file, with names of its own for some codes."""

    names: dict[int, str]
    base: str = "Times-Roman"

    def bodies(self, first: int) -> list[bytes]:
        names = " ".join(f"{code} /{name}" for code, name in sorted(self.names.items()))
        encoding = f"<< /Type /Encoding /BaseEncoding /WinAnsiEncoding /Differences [{names}] >>"
        return [f"<< /Type /Font /Subtype /Type1 /BaseFont /{self.base} /Encoding {encoding} >>".encode()]


@dataclass
class Bitmaps:
    """A Type 3 font: each glyph is a box of its letter's height, in a space of `units` to the font's size.

    Attributes:
        names: glyph names by code.
        scale: what the font matrix multiplies by, so that the size in the file is wrong by it.
    """

    names: dict[int, str]
    scale: float = 1.0
    units: int = 1000

    def bodies(self, first: int) -> list[bytes]:
        tall = {code: 440 if chr(code) in "acemnorsuvwxz" else 680 for code in self.names}
        procs = " ".join(f"/{name} {first + 1 + i} 0 R" for i, name in enumerate(self.names.values()))
        names = " ".join(f"{code} /{name}" for code, name in sorted(self.names.items()))
        low, high = min(self.names), max(self.names)
        widths = " ".join("500" if code in self.names else "0" for code in range(low, high + 1))
        matrix = self.scale / self.units
        font = (
            f"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 500 700] /FontMatrix [{matrix:f} 0 0 {matrix:f} 0 0] "
            f"/FirstChar {low} /LastChar {high} /Widths [{widths}] /Resources << >> "
            f"/Encoding << /Type /Encoding /Differences [{names}] >> /CharProcs << {procs} >> >>"
        )
        bodies = [font.encode()]
        for height in tall.values():
            content = b"500 0 20 0 480 %d d1 20 0 460 %d re f" % (height, height)
            bodies.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        return bodies


def pdf(pages: Sequence[Page], trailer: str = "", fonts: Mapping[str, Differences | Bitmaps] | None = None) -> bytes:
    """Return a PDF with these pages; `trailer` is added to its trailer dictionary, `fonts` to the fonts by key."""
    kids = " ".join(f"{6 + 2 * i} 0 R" for i in range(len(pages)))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>"]
    objects += [
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>" for name in FONTS.values()
    ]
    bodies = [text.encode() for text in objects]
    names = " ".join(f"/{key} {3 + i} 0 R" for i, key in enumerate(FONTS))
    more: list[bytes] = []
    for key, font in (fonts or {}).items():
        first = 6 + 2 * len(pages) + len(more)
        names += f" /{key} {first} 0 R"
        more += font.bodies(first)
    for i, page in enumerate(pages):
        content = page.content()
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] /Contents {7 + 2 * i} 0 R "
            f"/Resources << /Font << {names} >> >> >>".encode()
        )
        bodies.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    bodies += more
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(bodies) + 1, table)
    out += f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return out


def encrypted() -> bytes:
    """Return a PDF that opens with no empty password: its stored keys belong to none."""
    key = "<" + "5a" * 32 + ">"
    secret = f"/Encrypt << /Filter /Standard /V 1 /R 2 /O {key} /U {key} /P -44 >> /ID [<00> <00>]"
    return pdf([Page([(50, 500, 10, "secret")])], secret)


def text_page(*lines: str, top: float = 550.0, leading: float = 12.0, x: float = 50.0) -> Page:
    """Return a page of lines of size 10, one below the other."""
    return Page([(x, top - leading * i, 10, line) for i, line in enumerate(lines) if line])

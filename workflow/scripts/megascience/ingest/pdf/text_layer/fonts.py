"""Fonts: what a character code shows where PDFium knows no Unicode value for it.

A font names its glyphs: in the differences of its encoding, in the encoding of its program, or (TrueType) in its
tables. PDFium knows Adobe's names only, and gives the bare code for others. PDFium hands out no dictionaries, so
those of the few fonts that need it are read with pypdf.
"""

import ctypes
import logging
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from megascience.ingest.pdf.text_layer.glyph_names import glyph_text

#: What stands for a character that nobody can name.
UNKNOWN = "\ufffd"

#: Form objects inside each other that are looked through for fonts.
MAX_DEPTH = 8

_TYPE1_CODE = re.compile(rb"dup\s+(\d+|8#[0-7]+)\s*/(\S+)\s+put")
_OWN_CODE = re.compile(r"[A-Za-z]{0,2}?(\d{1,3})$")
# what sets a font, shows text, or draws a form; strings are skipped whole
_OPERATORS = re.compile(
    rb"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)|<[0-9A-Fa-f\s]*>|%[^\r\n]*"
    rb"|/(?P<name>[^\s/<>\[\](){}%]+)\s+(?:[-+.\d]+\s+(?P<font>Tf)|(?P<form>Do))\b|(?<![\w/])(?P<op>Tj|TJ|[qQ]|'|\")(?!\w)",
    re.DOTALL,
)

# TeX's bitmap fonts have no names. What its text fonts show at codes that ASCII leaves to control characters or to
# signs that text rarely has (The TeXbook, appendix F; T1 and TS1 as in the LaTeX font guide's tables).
_LIGATURES = ("ff", "fi", "fl", "ffi", "ffl")
_OT1_LIGATURES = dict(zip(range(0x0B, 0x10), _LIGATURES, strict=True))
_OT1 = _OT1_LIGATURES | {0x10: "ı", 0x7B: "–", 0x7C: "—", 0x5C: "“", 0x22: "”", 0x27: "’", 0x60: "‘"}
_OT1 |= {0x19: "ß", 0x1A: "æ", 0x1B: "œ", 0x1C: "ø"}
_OT1 |= dict(zip((0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x5E, 0x5F, 0x7D, 0x7E, 0x7F), "`´ˇ˘¯˚¸ˆ˙˝˜¨", strict=True))
_T1_LIGATURES = dict(zip(range(0x1B, 0x20), _LIGATURES, strict=True))
_T1 = _T1_LIGATURES | {0x10: "“", 0x11: "”", 0x15: "–", 0x16: "—", 0x27: "’", 0x60: "‘"}
_T1 |= {code: chr(code) for code in range(0xC0, 0x100)} | {0xD7: "Œ", 0xDF: "SS", 0xF7: "œ", 0xFF: "ß"}
_TS1 = dict(zip(range(0x84, 0x8A), "†‡‖‰•℃", strict=True)) | {code: chr(code) for code in (0xA7, *range(0xA9, 0xB8))}


class Fonts:
    """The fonts of one PDF: gives the text of codes that PDFium does not know."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._reader: Any = None
        self._encodings: dict[Any, Encoding] = {}
        self._page: tuple[int, list[Any], dict[int, Encoding]] = (-1, [], {})

    def encoding(self, number: int, page: Any, font: Any) -> "Encoding":
        """Return the encoding of a font (FPDF_FONT) on a page (pypdfium2) with this index."""
        if self._page[0] != number:
            self._page = (number, self._dictionaries(number, page), {})
        _, matched, known = self._page
        handle = ctypes.cast(font, ctypes.c_void_p).value or 0
        if handle not in known:
            known[handle] = self._encoding(font, next((found for own, found in matched if own == handle), None))
        return known[handle]

    def _encoding(self, font: Any, dictionary: Any) -> "Encoding":
        key = getattr(getattr(dictionary, "indirect_reference", None), "idnum", None)
        if key is not None and key in self._encodings:
            return self._encodings[key]
        try:
            encoding = Encoding(dictionary, _program(font))
        except Exception as error:  # a torn font tells nothing: both libraries raise whatever they stumble over
            logging.getLogger(__name__).info("%s: a font cannot be read (%r)", self._path, error)
            encoding = Encoding(None, b"")
        if key is not None:
            self._encodings[key] = encoding
        return encoding

    def _dictionaries(self, number: int, page: Any) -> list[tuple[int, Any]]:
        """Return (handle, font dictionary) of a page's fonts.

        Fonts are matched by their base name, and where several have the same (bitmap fonts have none), by the order
        in which the page's content first shows text in them.
        """
        try:
            shown = list(_handles(page))
            used = list(_shown_fonts(self._page_object(number)))
        except Exception as error:  # as above
            logging.getLogger(__name__).info("%s: page %d: its fonts cannot be read (%r)", self._path, number, error)
            return []
        matched = []
        for name in {name for _, name in shown}:
            handles = [handle for handle, own in shown if own == name]
            fonts = [font for font in used if _base_name(font) == name]
            if len(handles) == len(fonts) or len(fonts) == 1:
                matched += list(zip(handles, fonts * len(handles) if len(fonts) == 1 else fonts, strict=False))
        return matched

    def _page_object(self, number: int) -> Any:
        """Return a page of pypdf, found by the counts of the page tree: pypdf itself would read all pages."""
        import pypdf

        if self._reader is None:
            logging.getLogger("pypdf").setLevel(logging.CRITICAL)
            self._reader = pypdf.PdfReader(self._path)
        node, inherited = self._reader.trailer["/Root"]["/Pages"].get_object(), {}
        for _ in range(64):
            if "/Resources" in node:
                inherited = node["/Resources"].get_object()
            if "/Kids" not in node:
                return {"/Resources": inherited, "/Contents": node.get("/Contents")}
            for kid in node["/Kids"]:
                kid = kid.get_object()
                count = int(kid.get("/Count", 1)) if "/Kids" in kid else 1
                if number < count:
                    node = kid
                    break
                number -= count
            else:
                raise ValueError("the page tree has fewer pages than it says")
        raise ValueError("the page tree is too deep")


class Encoding:
    """What the codes of one font show."""

    def __init__(self, dictionary: Any, program: bytes) -> None:
        kind = str(dictionary.get("/Subtype", "")) if dictionary else ""
        self.bitmap = kind == "/Type3"
        self._names: dict[int, str] = {}
        self._texts: dict[int, str] = {}
        if kind == "/Type0":
            self._glyphs(program)
            return
        if program.startswith((b"%!", b"\x80\x01")):
            head = program[: program.find(b"eexec")]
            for code, name in _TYPE1_CODE.findall(head):
                self._names[int(code[2:], 8) if code.startswith(b"8#") else int(code)] = name.decode("latin-1")
        elif program[:1] == b"\x01":
            self._names.update(_cff_names(program))
        elif program:
            self._codes(program)
        encoding: Any = dictionary.get("/Encoding") if dictionary else None
        if hasattr(encoding, "get_object"):
            encoding = encoding.get_object()
        if hasattr(encoding, "get") and (differences := encoding.get("/Differences")) is not None:
            code = 0
            for item in differences.get_object():
                if isinstance(item, int | float):
                    code = int(item)
                else:
                    self._names[code] = str(item.get_object())[1:]
                    self._texts.pop(code, None)
                    code += 1
        if self.bitmap:
            # names that only repeat the code: dvips names a glyph by the character of its code, others by its number
            self._own = {code for code, name in self._names.items() if _repeats(code, name)}
            self._names = {code: name for code, name in self._names.items() if code not in self._own}

    def text(self, code: int) -> str:
        """Return what a code shows, UNKNOWN where the font does not tell."""
        if code in self._texts:
            return self._texts[code]
        if code in self._names:
            text = glyph_text(self._names[code])
            return UNKNOWN if text is None else text
        if self.bitmap and code in self._own:
            return chr(code) if 0x20 <= code < 0x7F else UNKNOWN
        return UNKNOWN

    def nameless(self, code: int) -> bool:
        """Whether the font is a bitmap font that has only the code itself for a name."""
        return self.bitmap and code in self._own

    def _glyphs(self, program: bytes) -> None:
        """Read what the glyphs of a composite font show; its codes are taken for the numbers of glyphs."""
        from fontTools.ttLib import TTFont

        if program[:1] == b"\x01" and program[:4] != b"\x00\x01\x00\x00":
            order = _cff_order(program)
            self._names = dict(enumerate(order))
            return
        font = TTFont(BytesIO(program), lazy=True)
        order = font.getGlyphOrder()
        numbers = {name: number for number, name in enumerate(order)}
        if "cmap" in font:
            for code, name in (font.getBestCmap() or {}).items():
                self._texts.setdefault(numbers[name], chr(code))
        self._names = {number: name for number, name in enumerate(order) if number not in self._texts}

    def _codes(self, program: bytes) -> None:
        """Read what the codes of a simple TrueType font show: its tables for one-byte codes lead to names."""
        from fontTools.ttLib import TTFont

        font = TTFont(BytesIO(program), lazy=True)
        if "cmap" not in font:
            return
        unicode_of: dict[str, int] = {}
        for table in font["cmap"].tables:
            if table.isUnicode() and table.platEncID != 0:
                for code, name in table.cmap.items():
                    unicode_of.setdefault(name, code)
        for table in font["cmap"].tables:
            if (table.platformID, table.platEncID) in ((1, 0), (3, 0)):
                for code, name in table.cmap.items():
                    if code & 0xFF in self._names:
                        continue
                    self._names[code & 0xFF] = name
                    if name in unicode_of:
                        self._texts[code & 0xFF] = chr(unicode_of[name])


def tex_table(codes: set[int], inside: set[int], words: bool) -> dict[int, str]:
    """Return what the codes of a bitmap font without names show beside ASCII, as far as its use shows its encoding.

    Args:
        codes: those that the font shows without a name.
        inside: those of them that touch a letter.
        words: the font sets words; one of formulas or signs does not.
    """
    if not words:
        return _TS1 if min(codes, default=0) >= 0x80 else {}
    if inside & set(_OT1_LIGATURES):
        return _OT1
    return _T1 if inside & set(_T1_LIGATURES) or inside & set(range(0xC0, 0x100)) else {}


def _repeats(code: int, name: str) -> bool:
    """Whether a glyph's name says no more than its code."""
    own = _OWN_CODE.match(name)
    return name == chr(code) or bool(own and int(own[1]) == code)


def _program(font: Any) -> bytes:
    import pypdfium2.raw as raw

    if not raw.FPDFFont_GetIsEmbedded(font):
        return b""
    size = ctypes.c_size_t()
    raw.FPDFFont_GetFontData(font, None, 0, size)
    if not size.value:
        return b""
    buffer = (ctypes.c_uint8 * size.value)()
    raw.FPDFFont_GetFontData(font, buffer, size.value, size)
    return bytes(buffer)


def _cff(program: bytes) -> Any:
    from fontTools.cffLib import CFFFontSet

    fonts = CFFFontSet()
    fonts.decompile(BytesIO(program), None)
    return fonts[fonts.fontNames[0]]


def _cff_names(program: bytes) -> dict[int, str]:
    from fontTools.encodings.StandardEncoding import StandardEncoding

    encoding = getattr(_cff(program), "Encoding", None)
    names = StandardEncoding if isinstance(encoding, str) else encoding or []
    return {code: name for code, name in enumerate(names) if name != ".notdef"}


def _cff_order(program: bytes) -> list[str]:
    top = _cff(program)
    return [] if hasattr(top, "ROS") else list(top.charset)


def _base_name(font: Any) -> str:
    return str(font.get("/BaseFont", "/"))[1:]


def _handles(page: Any) -> Iterator[tuple[int, str]]:
    """Yield (handle, base name) of a page's fonts in the order in which text objects first use them."""
    import pypdfium2.raw as raw

    seen: set[int] = set()

    def walk(count: int, get: Callable[[int], Any], depth: int) -> Iterator[tuple[int, str]]:
        for index in range(count):
            item = get(index)
            kind = raw.FPDFPageObj_GetType(item)
            if kind == raw.FPDF_PAGEOBJ_TEXT:
                font = raw.FPDFTextObj_GetFont(item)
                handle = ctypes.cast(font, ctypes.c_void_p).value or 0
                if handle and handle not in seen:
                    seen.add(handle)
                    yield handle, font_name(font)
            elif kind == raw.FPDF_PAGEOBJ_FORM and depth < MAX_DEPTH:
                yield from walk(
                    raw.FPDFFormObj_CountObjects(item),
                    lambda i, form=item: raw.FPDFFormObj_GetObject(form, i),  # type: ignore[misc]
                    depth + 1,
                )

    yield from walk(raw.FPDFPage_CountObjects(page.raw), lambda i: raw.FPDFPage_GetObject(page.raw, i), 0)


def font_name(font: Any) -> str:
    """Return the base name of a font (FPDF_FONT), with the prefix of a subset; "" for a bitmap font."""
    import pypdfium2.raw as raw

    buffer = ctypes.create_string_buffer(256)
    raw.FPDFFont_GetBaseFontName(font, buffer, 256)
    return buffer.value.decode("utf-8", "replace")


def _shown_fonts(page: Any) -> Iterator[Any]:
    """Yield the font dictionaries of a page in the order in which its content first shows text in them."""
    seen: set[Any] = set()

    def walk(content: bytes, resources: Any, depth: int) -> Iterator[Any]:
        fonts = resources.get("/Font", {})
        fonts = fonts.get_object() if hasattr(fonts, "get_object") else fonts
        forms = resources.get("/XObject", {})
        forms = forms.get_object() if hasattr(forms, "get_object") else forms
        current, stack = "", []
        for match in _OPERATORS.finditer(content):
            if match["font"]:
                current = "/" + _name(match["name"])
            elif match["op"] == b"q":
                stack.append(current)
            elif match["op"] == b"Q":
                current = stack.pop() if stack else current
            elif match["op"] and current in fonts:
                font = fonts[current].get_object()
                key = getattr(font.indirect_reference, "idnum", id(font))
                if key not in seen:
                    seen.add(key)
                    yield font
            elif match["form"] and depth < MAX_DEPTH and (name := "/" + _name(match["name"])) in forms:
                form = forms[name].get_object()
                if form.get("/Subtype") == "/Form":
                    own = form.get("/Resources", resources).get_object()
                    yield from walk(form.get_data(), own, depth + 1)

    contents = page["/Contents"].get_object() if page["/Contents"] is not None else []
    streams = contents if isinstance(contents, list) else [contents]
    yield from walk(b"\n".join(stream.get_object().get_data() for stream in streams), page["/Resources"], 0)


def _name(raw_name: bytes) -> str:
    return re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), raw_name).decode("latin-1")

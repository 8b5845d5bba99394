"""Entities of a text, strictly.

Source: https://core.telegram.org/bots/api, "MessageEntity" and "Formatting options": offset and
length are UTF-16 code units; of two entities with common characters one contains the other; bold,
italic, underline, strikethrough and spoiler can contain and be part of any other except pre and
code; blockquote and expandable_blockquote can't be nested; all other entities can't contain each
other. That pre and code may be part of a blockquote is how the server's own library has it (tdlib,
td/telegram/MessageEntity.cpp), which also names the errors. The real server mends some of what is
refused here.
"""

STYLES = {"bold", "italic", "underline", "strikethrough", "spoiler"}
QUOTES = {"blockquote", "expandable_blockquote"}
CODE = {"pre", "code"}
LINKS = {"text_link", "text_mention", "custom_emoji"}
FIELDS = {"text_link": {"url"}, "pre": {"language"}, "custom_emoji": {"custom_emoji_id"},
          "text_mention": {"user"}}


def shape(value, name):
    from schema import Bad
    if not isinstance(value, dict):
        raise Bad(f"{name}: can't parse MessageEntity: must be an Object")
    kind = value.get("type")
    if kind not in STYLES | QUOTES | CODE | LINKS:
        raise Bad(f"can't parse MessageEntity: unsupported type {kind!r}")
    for key in value:
        if key not in {"type", "offset", "length"} | FIELDS.get(kind, set()):
            raise Bad(f"can't parse MessageEntity: a {kind} has no field {key}")
    for key in ("offset", "length"):
        if isinstance(value.get(key), bool) or not isinstance(value.get(key), int):
            raise Bad(f'can\'t parse MessageEntity: Field "{key}" must be a valid Number')
    for key in ("url", "language"):
        if key in value and (not isinstance(value[key], str) or not value[key]):
            raise Bad(f'can\'t parse MessageEntity: Field "{key}" must be a non-empty String')
    if kind == "text_link":
        url = value.get("url", "")
        rest = url.partition("://")[2]
        if not url.lower().startswith(("http://", "https://", "tg://")) or not rest.split("/")[0]:
            raise Bad(f"entity URL '{url}' is invalid: URL host is empty")
        if any(c <= " " or c == "\x7f" for c in url) or len(url) > 2048:
            raise Bad(f"entity URL '{url}' is invalid")
    return value


def may_contain(outer, inner):
    if outer in CODE or (inner in CODE and outer not in QUOTES):
        return False
    if outer in QUOTES and inner in QUOTES:
        return False
    return outer in STYLES | QUOTES or inner in STYLES


def check(text, entities):
    from schema import Bad
    units = text.encode("utf-16-le", "surrogatepass")
    size = len(units) // 2

    def inside_pair(at):
        return 0 < at < size and 0xDC <= units[2 * at + 1] <= 0xDF

    for e in entities:
        start, end = e["offset"], e["offset"] + e["length"]
        if start < 0 or start > 1000000:
            raise Bad(f"receive an entity with incorrect offset {start}")
        if e["length"] <= 0:
            raise Bad(f"receive an entity with incorrect length {e['length']}")
        if start > size:
            raise Bad(f"entity begins after the end of the text at UTF-16 offset {start}")
        if end > size:
            raise Bad(f"entity beginning at UTF-16 offset {start} ends after the end of the text "
                      f"at UTF-16 offset {end}")
        if inside_pair(start):
            raise Bad(f"entity begins in a middle of a UTF-16 symbol at offset {start}")
        if inside_pair(end):
            raise Bad(f"entity beginning at UTF-16 offset {start} ends in a middle of a UTF-16 "
                      f"symbol at offset {end}")
    ordered = sorted(entities, key=lambda e: (e["offset"], -e["length"]))
    for i, a in enumerate(ordered):
        a_end = a["offset"] + a["length"]
        for b in ordered[i + 1:]:
            if b["offset"] >= a_end:
                break
            if b["offset"] + b["length"] > a_end:
                raise Bad(f"entities {a['type']} and {b['type']} cross")
            same = (b["offset"], b["length"]) == (a["offset"], a["length"])
            if not may_contain(a["type"], b["type"]) and not (same and may_contain(b["type"], a["type"])):
                raise Bad(f"a {a['type']} can't contain a {b['type']}")
            if same and a["type"] == b["type"]:
                raise Bad(f"a {a['type']} twice at the same place")

"""What requests may hold, field by field.

Source: Discord's documentation (github.com/discord/discord-api-docs, developers/): resources/message
"Create Message", "Edit Message", "Allowed Mentions Object", "Attachment Object"; components/reference;
interactions/receiving-and-responding; interactions/application-commands; resources/channel "Start
Thread from Message", "Modify Channel"; reference "Error Messages", "Uploading Files". An unknown field
is refused here; the real server ignores some.
"""
import re

SUPPRESS_EMBEDS, EPHEMERAL, SUPPRESS_NOTIFICATIONS, COMPONENTS_V2 = 1 << 2, 1 << 6, 1 << 12, 1 << 15
CONTENT_MAX, FILE_MAX, REQUEST_MAX = 2000, 10 << 20, 25 << 20
SNOWFLAKE = re.compile(r"^[0-9]{1,20}$")
COMMAND_NAME = re.compile(r"^[-_'\w]{1,32}$")
LOCALES = {"id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no",
           "pl", "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th",
           "zh-CN", "ja", "zh-TW", "ko"}


class Bad(Exception):
    """A refusal: status, code of "JSON Error Codes", message, and for 50035 the field."""

    def __init__(self, message, field="", code=50035, status=400):
        super().__init__(message)
        self.field, self.code, self.status = field, code, status

    def body(self):
        if self.code != 50035:
            return {"message": str(self), "code": self.code}
        errors = {"_errors": [{"code": "BASE_TYPE_BAD", "message": str(self)}]}
        for part in reversed([p for p in self.field.split(".") if p]):
            errors = {part: errors}
        return {"message": "Invalid Form Body", "code": 50035, "errors": errors}


# --- values ---------------------------------------------------------------------------------------


def check(condition, message, field):
    if not condition:
        raise Bad(message, field)


def known(value, field, allowed, required=()):
    check(isinstance(value, dict), "Only dictionaries may be used in a DictType", field)
    for key in value:
        check(key in allowed, f"no field {key} is documented", f"{field}.{key}")
    for key in required:
        check(key in value, "This field is required", f"{field}.{key}")


def string(value, field, least, most):
    check(isinstance(value, str), "Could not interpret value as string.", field)
    check(least <= len(value) <= most, f"Must be between {least} and {most} in length.", field)


def integer(value, field, least=0, most=1 << 53):
    check(isinstance(value, int) and not isinstance(value, bool), "Value is not int.", field)
    check(least <= value <= most, f"Value must be between {least} and {most}.", field)


def boolean(value, field):
    check(isinstance(value, bool), "Must be either true or false.", field)


def snowflake(value, field):
    check(isinstance(value, str) and SNOWFLAKE.match(value), "Value is not snowflake.", field)


def array(value, field, most):
    check(isinstance(value, list), "Only iterables may be used in a ListType", field)
    check(len(value) <= most, f"Must be {most} or fewer in length.", field)


# --- messages -------------------------------------------------------------------------------------


def allowed_mentions(value, field="allowed_mentions"):
    known(value, field, {"parse", "roles", "users", "replied_user"})
    for kind in value.get("parse", []):
        check(kind in ("roles", "users", "everyone"), "unknown kind of mention", field + ".parse")
    for key in ("roles", "users"):
        array(value.get(key, []), f"{field}.{key}", 100)
    if "replied_user" in value:
        boolean(value["replied_user"], field + ".replied_user")


def button(value, field, ids):
    known(value, field, {"type", "id", "style", "label", "emoji", "custom_id", "url", "sku_id",
                         "disabled"}, ("type", "style"))
    integer(value["style"], field + ".style", 1, 6)
    if value["style"] <= 4:
        check("custom_id" in value, "This field is required", field + ".custom_id")
        string(value["custom_id"], field + ".custom_id", 1, 100)
        check(value["custom_id"] not in ids, "Component custom id cannot be duplicated",
              field + ".custom_id")
        ids.add(value["custom_id"])
    check("label" in value or "emoji" in value, "a button needs a label or an emoji", field)
    if "label" in value:
        string(value["label"], field + ".label", 1, 80)


def row(value, field, ids):
    known(value, field, {"type", "id", "components"}, ("components",))
    array(value["components"], field + ".components", 5)
    check(value["components"], "Must be between 1 and 5 in length.", field + ".components")
    for i, child in enumerate(value["components"]):
        check(isinstance(child, dict) and child.get("type") == 2, "only buttons are known here",
              f"{field}.components.{i}")
        button(child, f"{field}.components.{i}", ids)
    return 1 + len(value["components"])


def component_v2(value, field, ids, texts, inside=False):
    check(isinstance(value, dict), "Only dictionaries may be used in a DictType", field)
    kind = value.get("type")
    if kind == 1:
        return row(value, field, ids)
    if kind == 10:
        known(value, field, {"type", "id", "content"}, ("content",))
        string(value["content"], field + ".content", 1, 4000)
        texts.append(value["content"])
        return 1
    if kind == 14:
        known(value, field, {"type", "id", "divider", "spacing"})
        return 1
    if kind == 17 and not inside:
        known(value, field, {"type", "id", "components", "accent_color", "spoiler"}, ("components",))
        if value.get("accent_color") is not None:
            integer(value["accent_color"], field + ".accent_color", 0, 0xFFFFFF)
        array(value["components"], field + ".components", 40)
        return 1 + sum(component_v2(c, f"{field}.components.{i}", ids, texts, True)
                       for i, c in enumerate(value["components"]))
    raise Bad(f"a component of type {kind!r} may not stand here", field + ".type")


def components(value, flags, field="components"):
    """The texts of a components-V2 message."""
    ids, texts = set(), []
    array(value, field, 40 if flags & COMPONENTS_V2 else 5)
    if not flags & COMPONENTS_V2:
        for i, one in enumerate(value):
            check(isinstance(one, dict) and one.get("type") == 1, "must be an action row", f"{field}.{i}")
            row(one, f"{field}.{i}", ids)
        return texts
    count = sum(component_v2(one, f"{field}.{i}", ids, texts) for i, one in enumerate(value))
    check(count <= 40, "at most 40 components", field)
    check(sum(map(len, texts)) <= 4000, "at most 4000 characters in all", field)
    return texts


def message(body, files, allowed, flags_allowed, was_v2=False, edit=False):
    """A message as it is created or edited. `files`: {index: (name, bytes)}."""
    known(body, "", allowed)
    flags = body.get("flags") or 0
    integer(flags, "flags", 0, 1 << 20)
    check(flags & ~flags_allowed == 0, f"flags {flags} cannot be set here", "flags")
    v2 = bool(flags & COMPONENTS_V2) or was_v2
    if body.get("content") is not None:
        string(body["content"], "content", 0, CONTENT_MAX)
    if v2:
        check(not body.get("content") and not body.get("embeds"),
              "The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2", "content")
    texts = []
    if body.get("components") is not None:
        texts = components(body["components"], COMPONENTS_V2 if v2 else 0)
    if "allowed_mentions" in body:
        allowed_mentions(body["allowed_mentions"])
    if body.get("nonce") is not None:
        if isinstance(body["nonce"], str):
            string(body["nonce"], "nonce", 0, 25)
        else:
            integer(body["nonce"], "nonce", -(1 << 63), 1 << 63)
    if "enforce_nonce" in body:
        boolean(body["enforce_nonce"], "enforce_nonce")
    if body.get("message_reference") is not None:
        known(body["message_reference"], "message_reference",
              {"type", "message_id", "channel_id", "guild_id", "fail_if_not_exists"}, ("message_id",))
        snowflake(body["message_reference"]["message_id"], "message_reference.message_id")
        if "fail_if_not_exists" in body["message_reference"]:
            boolean(body["message_reference"]["fail_if_not_exists"], "message_reference.fail_if_not_exists")
    for i, one in enumerate(body.get("attachments") or []):
        known(one, f"attachments.{i}", {"id", "filename", "title", "description", "duration_secs",
                                        "waveform", "is_remix"}, ("id",))
        check(str(one["id"]) in files or len(str(one["id"])) > 4, "no such file", f"attachments.{i}.id")
        string(one.get("description", ""), f"attachments.{i}.description", 0, 1024)
    for name, data in files.values():
        if len(data) > FILE_MAX:
            raise Bad("Request entity too large", code=40005, status=413)
        check(name, "a file needs a name", "files")
    says = (body.get("content") or "").strip() or body.get("embeds") or texts or files
    if not says and not edit:
        raise Bad("Cannot send an empty message", code=50006)
    return v2


CREATE = {"content", "nonce", "tts", "embeds", "allowed_mentions", "message_reference", "components",
          "sticker_ids", "attachments", "flags", "enforce_nonce", "poll", "shared_client_theme"}
EDIT = {"content", "embeds", "flags", "allowed_mentions", "components", "attachments"}
CALLBACK = {"tts", "content", "embeds", "allowed_mentions", "flags", "components", "attachments", "poll"}
FOLLOW_UP = CALLBACK | {"username", "avatar_url", "thread_name", "applied_tags"}


def create(body, files):
    return message(body, files, CREATE, SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2)


def edit(body, files, was_v2):
    return message(body, files, EDIT, SUPPRESS_EMBEDS | COMPONENTS_V2, was_v2, edit=True)


def follow_up(body, files):
    return message(body, files, FOLLOW_UP,
                   SUPPRESS_EMBEDS | EPHEMERAL | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2)


def callback(body, of_component):
    known(body, "", {"type", "data"}, ("type",))
    integer(body["type"], "type", 1, 12)
    check(body["type"] in (4, 5, 6, 7, 8, 9, 12), "no such type of answer", "type")
    check(body["type"] not in (6, 7) or of_component, "only for components", "type")
    data = body.get("data") or {}
    if body["type"] in (4, 7):
        message(data, {}, CALLBACK, SUPPRESS_EMBEDS | EPHEMERAL | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2,
                edit=body["type"] == 7)
    elif body["type"] == 5:
        known(data, "data", {"flags"})
        check((data.get("flags") or 0) & ~EPHEMERAL == 0, "only EPHEMERAL may be set", "data.flags")


# --- threads, channels, commands ------------------------------------------------------------------


def thread(body):
    known(body, "", {"name", "auto_archive_duration", "rate_limit_per_user"}, ("name",))
    string(body["name"], "name", 1, 100)
    if "auto_archive_duration" in body:
        check(body["auto_archive_duration"] in (60, 1440, 4320, 10080), "no such duration",
              "auto_archive_duration")


def modify_thread(body):
    known(body, "", {"name", "archived", "auto_archive_duration", "locked", "invitable",
                     "rate_limit_per_user", "flags", "applied_tags"})
    if "name" in body:
        string(body["name"], "name", 1, 100)
    for key in ("archived", "locked"):
        if key in body:
            boolean(body[key], key)


def localizations(value, field, least, most, name=False):
    if value is None:
        return
    check(isinstance(value, dict), "must be a dictionary", field)
    for locale, text in value.items():
        check(locale in LOCALES, "no such locale", f"{field}.{locale}")
        string(text, f"{field}.{locale}", least, most)
        if name:
            check(COMMAND_NAME.match(text) and text == text.lower(), "Command name is invalid",
                  f"{field}.{locale}")


def option(value, field):
    known(value, field, {"type", "name", "name_localizations", "description", "description_localizations",
                         "required", "choices", "options", "channel_types", "min_value", "max_value",
                         "min_length", "max_length", "autocomplete"}, ("type", "name", "description"))
    integer(value["type"], field + ".type", 1, 11)
    check(COMMAND_NAME.match(value["name"]) and value["name"] == value["name"].lower(), "name is invalid",
          field + ".name")
    string(value["description"], field + ".description", 1, 100)
    localizations(value.get("name_localizations"), field + ".name_localizations", 1, 32, True)
    localizations(value.get("description_localizations"), field + ".description_localizations", 1, 100)
    if "required" in value:
        boolean(value["required"], field + ".required")
    for key, most in (("min_length", 6000), ("max_length", 6000)):
        if key in value:
            integer(value[key], f"{field}.{key}", 0, most)


def commands(body):
    array(body, "", 100)
    names = set()
    for i, one in enumerate(body):
        known(one, str(i), {"id", "name", "name_localizations", "description", "description_localizations",
                            "options", "default_member_permissions", "dm_permission",
                            "default_permission", "integration_types", "contexts", "type", "nsfw",
                            "handler"}, ("name",))
        check(isinstance(one["name"], str) and COMMAND_NAME.match(one["name"])
              and one["name"] == one["name"].lower(), "Command name is invalid", f"{i}.name")
        check(one["name"] not in names, "Application command names must be unique", f"{i}.name")
        names.add(one["name"])
        if one.get("type", 1) == 1:
            string(one.get("description"), f"{i}.description", 1, 100)
        localizations(one.get("name_localizations"), f"{i}.name_localizations", 1, 32, True)
        localizations(one.get("description_localizations"), f"{i}.description_localizations", 1, 100)
        array(one.get("options") or [], f"{i}.options", 25)
        for k, each in enumerate(one.get("options") or []):
            option(each, f"{i}.options.{k}")
        for value in one.get("integration_types") or []:
            check(value in (0, 1), "no such integration type", f"{i}.integration_types")
        for value in one.get("contexts") or []:
            check(value in (0, 1, 2), "no such context", f"{i}.contexts")
        if one.get("default_member_permissions") is not None:
            check(re.fullmatch(r"[0-9]+", str(one["default_member_permissions"])), "must be a bit set",
                  f"{i}.default_member_permissions")
        text = one["name"] + one.get("description", "") + "".join(
            o["name"] + o["description"] for o in one.get("options") or [])
        check(len(text) <= 8000, "at most 8000 characters", str(i))


# --- gateway --------------------------------------------------------------------------------------


def identify(d):
    known(d, "d", {"token", "properties", "compress", "large_threshold", "shard", "presence", "intents"},
          ("token", "properties", "intents"))
    known(d["properties"], "d.properties", {"os", "browser", "device"}, ("os", "browser", "device"))
    integer(d["intents"], "d.intents", 0, 1 << 27)
    if "shard" in d:
        check(isinstance(d["shard"], list) and len(d["shard"]) == 2 and 0 <= d["shard"][0] < d["shard"][1],
              "no such shard", "d.shard")


def resume(d):
    known(d, "d", {"token", "session_id", "seq"}, ("token", "session_id", "seq"))
    string(d["token"], "d.token", 1, 200)
    string(d["session_id"], "d.session_id", 1, 200)
    integer(d["seq"], "d.seq", 0)

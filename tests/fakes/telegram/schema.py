"""What the Bot API takes: methods, their parameters, and the objects in them, field by field.

Source: https://core.telegram.org/bots/api, Bot API 10.3 (2026-08-24), sections "Available methods",
"Updating messages", "Getting updates", "MessageEntity", "InlineKeyboardButton", "ReplyParameters",
"LinkPreviewOptions", "BotCommandScope". Stricter than the real server on purpose: an unknown
parameter or field is refused, since the real one ignores what a typing error made of it.
"""
import json
import re

import entities


class Bad(Exception):
    """400 with this description."""


def utf16(text):
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def whole(value, name, low=None, high=None):
    if isinstance(value, bool) or not isinstance(value, int):
        raise Bad(f"{name} must be an Integer")
    if (low is not None and value < low) or (high is not None and value > high):
        raise Bad(f"{name} must be {low} to {high}")
    return value


def Int(low=None, high=None):
    return lambda v, name: whole(v, name, low, high)


def Str(low=0, high=None, pattern=None, size=utf16):
    def check(value, name):
        if not isinstance(value, str):
            raise Bad(f"{name} must be a String")
        if size(value) < low or (high is not None and size(value) > high):
            raise Bad(f"{name} must be {low} to {high} long")
        if pattern and not re.fullmatch(pattern, value):
            raise Bad(f"{name} must match {pattern}")
        return value
    return check


def Bool(value, name):
    if not isinstance(value, bool):
        raise Bad(f"{name} must be a Boolean")
    return value


def ChatId(value, name):
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        value = int(value)
    if isinstance(value, str) and re.fullmatch(r"@[A-Za-z0-9_]{5,32}", value):
        return value
    return whole(value, name)


def One(*values):
    def check(value, name):
        if value not in values:
            raise Bad(f"{name} must be one of {', '.join(values)}")
        return value
    return check


def List(item, low=0, high=None):
    def check(value, name):
        if not isinstance(value, list):
            raise Bad(f"{name} must be an Array")
        if len(value) < low or (high is not None and len(value) > high):
            raise Bad(f"{name} must have {low} to {high} items")
        return [item(v, name) for v in value]
    return check


def Obj(fields, required=()):
    def check(value, name):
        if not isinstance(value, dict):
            raise Bad(f"{name} must be an Object")
        for key in value:
            if key not in fields:
                raise Bad(f"{name}.{key}: there is no such field")
        for key in required:
            if key not in value:
                raise Bad(f"{name}.{key} is missing")
        return {k: fields[k](v, f"{name}.{k}") for k, v in value.items()}
    return check


def File(value, name):
    """An upload (server.Upload), or the file_id of a file that is there."""
    if isinstance(value, str) and not value:
        raise Bad(f"{name}: there is no file")
    return value


def Scope(value, name):
    plain = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")
    if isinstance(value, dict) and value.get("type") in plain:
        return Obj({"type": Str()})(value, name)
    return Obj({"type": One("chat", "chat_administrators", "chat_member"), "chat_id": ChatId,
                "user_id": Int()}, ("type", "chat_id"))(value, name)


UPDATES = ("message", "edited_message", "channel_post", "edited_channel_post",
           "business_connection", "business_message", "edited_business_message",
           "deleted_business_messages", "message_reaction", "message_reaction_count",
           "inline_query", "chosen_inline_result", "callback_query", "shipping_query",
           "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer", "my_chat_member",
           "chat_member", "chat_join_request", "chat_boost", "removed_chat_boost",
           "stopped_message_generation")
ACTIONS = ("typing", "upload_photo", "record_video", "upload_video", "record_voice",
           "upload_voice", "upload_document", "choose_sticker", "find_location",
           "record_video_note", "upload_video_note")


def octets(text):
    return len(text.encode())


Button = Obj({
    "text": Str(1), "url": Str(1), "callback_data": Str(1, 64, size=octets),
    "style": One("danger", "success", "primary"), "icon_custom_emoji_id": Str(1),
    "copy_text": Obj({"text": Str(1, 256)}, ("text",)),
}, ("text",))


def Keyboard(value, name):
    value = Obj({"inline_keyboard": List(List(Button, 1), 0, 100)}, ("inline_keyboard",))(value, name)
    for row in value["inline_keyboard"]:
        for button in row:
            if sum(k in button for k in ("url", "callback_data", "copy_text")) != 1:
                raise Bad(f"{name}: a button has exactly one of url, callback_data, copy_text")
    return value


Reply = Obj({"message_id": Int(1), "chat_id": ChatId, "allow_sending_without_reply": Bool,
             "quote": Str(0, 1024), "quote_parse_mode": Str(), "quote_entities": List(entities.shape),
             "quote_position": Int(0)}, ("message_id",))
Preview = Obj({"is_disabled": Bool, "url": Str(), "prefer_small_media": Bool,
               "prefer_large_media": Bool, "show_above_text": Bool})
Parse = One("HTML", "Markdown", "MarkdownV2")
Entities = List(entities.shape, 0, 100)

# What a message goes with, whatever it is.
SENDING = {"business_connection_id": Str(), "chat_id": ChatId, "message_thread_id": Int(1),
           "disable_notification": Bool, "protect_content": Bool, "allow_paid_broadcast": Bool,
           "message_effect_id": Str(), "reply_parameters": Reply, "reply_markup": Keyboard}

# method: (parameters, those that must be there)
METHODS = {
    "getMe": ({}, ()),
    "logOut": ({}, ()),
    "close": ({}, ()),
    "getUpdates": ({"offset": Int(), "limit": Int(1, 100), "timeout": Int(0, 3600),
                    "allowed_updates": List(One(*UPDATES))}, ()),
    "setWebhook": ({"url": Str(0, 2048), "ip_address": Str(), "max_connections": Int(1, 100),
                    "allowed_updates": List(One(*UPDATES)), "drop_pending_updates": Bool,
                    "secret_token": Str(1, 256, r"[A-Za-z0-9_-]+")}, ("url",)),
    "deleteWebhook": ({"drop_pending_updates": Bool}, ()),
    "getWebhookInfo": ({}, ()),
    "sendMessage": ({**SENDING, "text": Str(), "parse_mode": Parse, "entities": Entities,
                     "link_preview_options": Preview}, ("chat_id", "text")),
    "sendMessageDraft": ({"chat_id": Int(), "message_thread_id": Int(1), "draft_id": Int(),
                          "text": Str(), "parse_mode": Parse, "entities": Entities,
                          "can_stop": Bool, "keep_on_stop": Bool}, ("chat_id", "draft_id", "text")),
    "sendDocument": ({**SENDING, "document": File, "thumbnail": File, "caption": Str(0, 1024),
                      "parse_mode": Parse, "caption_entities": Entities,
                      "disable_content_type_detection": Bool}, ("chat_id", "document")),
    "editMessageText": ({"business_connection_id": Str(), "chat_id": ChatId, "message_id": Int(1),
                         "inline_message_id": Str(), "text": Str(), "parse_mode": Parse,
                         "entities": Entities, "link_preview_options": Preview,
                         "reply_markup": Keyboard}, ("text",)),
    "editMessageReplyMarkup": ({"chat_id": ChatId, "message_id": Int(1),
                                "reply_markup": Keyboard}, ()),
    "deleteMessage": ({"chat_id": ChatId, "message_id": Int(1)}, ("chat_id", "message_id")),
    "sendChatAction": ({"business_connection_id": Str(), "chat_id": ChatId,
                        "message_thread_id": Int(1), "action": One(*ACTIONS)},
                       ("chat_id", "action")),
    "answerCallbackQuery": ({"callback_query_id": Str(1), "text": Str(0, 200), "show_alert": Bool,
                             "url": Str(), "cache_time": Int(0)}, ("callback_query_id",)),
    "setMyCommands": ({"commands": List(Obj({
        "command": Str(1, 32, r"[a-z0-9_]+"), "description": Str(1, 256)},
        ("command", "description")), 0, 100), "scope": Scope,
        "language_code": Str(0, 2, r"([a-z]{2})?")}, ("commands",)),
    "deleteMyCommands": ({"scope": Scope, "language_code": Str(0, 2)}, ()),
    "getMyCommands": ({"scope": Scope, "language_code": Str(0, 2)}, ()),
    "getFile": ({"file_id": Str(1)}, ("file_id",)),
    "getChat": ({"chat_id": ChatId}, ("chat_id",)),
    "editForumTopic": ({"chat_id": ChatId, "message_thread_id": Int(1), "name": Str(0, 128),
                        "icon_custom_emoji_id": Str()}, ("chat_id", "message_thread_id")),
    "setMessageReaction": ({"chat_id": ChatId, "message_id": Int(1), "is_big": Bool,
                            "reaction": List(Obj({"type": One("emoji"), "emoji": Str(1)},
                                                 ("type", "emoji")), 0, 1)},
                           ("chat_id", "message_id")),
}
NAMES = {name.lower(): name for name in METHODS}  # "Making requests": any case

SCALARS = {"chat_id", "text", "caption", "parse_mode", "url", "secret_token", "ip_address", "name",
           "action", "callback_query_id", "file_id", "language_code", "business_connection_id",
           "message_effect_id", "inline_message_id", "icon_custom_emoji_id"}


def from_form(key, value):
    """A parameter of a form is text: numbers, booleans and objects are JSON in it."""
    if not isinstance(value, str) or key in SCALARS or key in ("document", "thumbnail"):
        return value
    try:
        return json.loads(value)
    except ValueError as e:
        raise Bad(f"can't parse {key}: not JSON") from e


def check(method, given):
    """The parameters of a call as they may be used; Bad says which field is wrong."""
    fields, required = METHODS[method]
    for key in given:
        if key not in fields:
            raise Bad(f"{method}: there is no parameter {key}")
    for key in required:
        if key not in given:
            raise Bad(f"{method}: {key} is missing")
    checked = {k: fields[k](v, k) for k, v in given.items()}
    for text, marks in (("text", "entities"), ("caption", "caption_entities")):
        if marks in checked:
            if "parse_mode" in checked:
                raise Bad(f"{marks} can be given instead of parse_mode, not beside it")
            entities.check(checked.get(text, ""), checked[marks])
    return checked

"""What Discord's own OpenAPI description says of the requests that a bot for conversations makes.

Source: github.com/discord/discord-api-spec, specs/openapi_preview.json at commit 62071cd, components/schemas;
each table names its schema there. It is a second opinion beside schema.py, which follows the prose: both must
be content. The description lets unknown fields pass; here they are refused, since none of ours shall be one.
"""
import re


def _null(rule):
    return lambda v: [] if v is None else rule(v)


def text(least=0, most=None):
    return lambda v: [] if isinstance(v, str) and least <= len(v) <= (most or 1 << 30) else [f"{v!r:.60} is no text of {least} to {most}"]


def number(least=-(1 << 63), most=1 << 63, among=None):
    return lambda v: ([] if isinstance(v, int) and not isinstance(v, bool) and least <= v <= most
                      and (among is None or v in among) else [f"{v!r:.60} is no number of {among or (least, most)}"])


def truth(v):
    return [] if isinstance(v, bool) else [f"{v!r:.60} is neither true nor false"]


def snowflake(v):  # SnowflakeType
    return [] if isinstance(v, str) and re.fullmatch(r"0|[1-9][0-9]*", v) else [f"{v!r:.60} is no snowflake"]


def one_of(*rules):
    return lambda v: [] if any(not rule(v) for rule in rules) else [f"{v!r:.60} is nothing that may stand here"]


def array(rule, least=0, most=None, unique=False):
    def look(v):
        if not isinstance(v, list) or not least <= len(v) <= (most or 1 << 30):
            return [f"{v!r:.60} is no list of {least} to {most}"]
        if unique and len({str(i) for i in v}) < len(v):
            return ["the same twice"]
        return [f"{i}: {e}" for i, item in enumerate(v) for e in rule(item)]
    return look


def table(needed=(), /, **fields):
    def look(v):
        if not isinstance(v, dict):
            return [f"{v!r:.60} is no object"]
        wrong = [f"{key} is missing" for key in needed if key not in v]
        for key, value in v.items():
            wrong += [f"{key}: {e}" for e in (fields[key](value) if key in fields else ["is not described"])]
        return wrong
    return look


def mapping(rule, most):
    return lambda v: ([f"{k}: {e}" for k, one in v.items() for e in rule(one)]
                      if isinstance(v, dict) and len(v) <= most else [f"{v!r:.60} is no object of at most {most}"])


# --- components: {Button,ActionRow,TextDisplay,Container}ComponentForMessageRequest ---------------

_id = _null(number(0))
button = table(("type", "style"), type=number(among={2}), id=_id, custom_id=_null(text(1, 100)),
               style=number(1, 6), label=_null(text(0, 80)), disabled=_null(truth), url=_null(text(0, 512)),
               sku_id=_null(snowflake))
row = table(("type", "components"), type=number(among={1}), id=_id, components=array(button, 1, 5))
text_display = table(("type", "content"), type=number(among={10}), id=_id, content=text(1, 4000))
container = table(("type", "components"), type=number(among={17}), id=_id, accent_color=_null(number(0, 0xFFFFFF)),
                  components=array(one_of(row, text_display), 1, 40), spoiler=_null(truth))
_components = _null(array(one_of(row, container, text_display), 0, 40))

# --- messages -------------------------------------------------------------------------------------

mentions = table(parse=_null(array(_null(one_of(*(lambda v, k=k: [] if v == k else ["no"] for k in ("users", "roles", "everyone")))),
                                   0, 1521, True)),  # MessageAllowedMentionsRequest
                 users=_null(array(_null(snowflake), 0, 100, True)), roles=_null(array(_null(snowflake), 0, 100, True)),
                 replied_user=_null(truth))
attachment = table(("id",), id=snowflake, filename=_null(text(0, 1024)), description=_null(text(0, 1024)),
                   title=_null(text(0, 1024)), is_remix=_null(truth))  # MessageAttachmentRequest
reference = table(("message_id",), guild_id=_null(snowflake), channel_id=_null(snowflake), message_id=snowflake,
                  fail_if_not_exists=_null(truth), type=_null(number(0, 0)))  # MessageReferenceRequest
_shared = {"allowed_mentions": _null(mentions), "components": _components,
           "attachments": _null(array(attachment, 0, 10)), "flags": _null(number())}
create = table(content=_null(text(0, 4000)), message_reference=_null(reference), nonce=one_of(number(), text(0, 25)),
               enforce_nonce=_null(truth), tts=_null(truth), **_shared)  # MessageCreateRequest
edit = table(content=_null(text(0, 4000)), **_shared)  # MessageEditRequestPartial
webhook = {"content": _null(text(0, 2000)), **_shared}  # IncomingWebhookInteractionRequest and its like
follow_up = table(tts=_null(truth), **webhook)  # IncomingWebhookRequestPartial
edit_original = table(**webhook)  # IncomingWebhookUpdateRequestPartial
callback = one_of(  # {Create,Update}MessageInteractionCallbackRequest
    table(("type",), type=number(among={4, 5}), data=_null(table(tts=_null(truth), **webhook))),
    table(("type",), type=number(among={6, 7}), data=_null(table(**webhook))))

# --- channels and commands ------------------------------------------------------------------------

open_dm = table(recipient_id=_null(snowflake))  # CreatePrivateChannelRequest
thread = table(("name",), name=text(1, 100), auto_archive_duration=_null(number(among={60, 1440, 4320, 10080})),
               rate_limit_per_user=_null(number(0, 21600)))  # CreateTextThreadWithMessageRequest
modify = table(name=_null(text(0, 100)), archived=_null(truth), locked=_null(truth), invitable=_null(truth),
               auto_archive_duration=_null(number(among={60, 1440, 4320, 10080})))  # UpdateThreadRequestPartial
_localised = {"name_localizations": _null(mapping(text(1, 32), 34)),
              "description_localizations": _null(mapping(text(1, 100), 34))}
string_option = table(("type", "name", "description"), type=number(among={3}), name=text(1, 32), description=text(1, 100),
                      required=_null(truth), autocomplete=_null(truth), min_length=_null(number(0, 6000)),
                      max_length=_null(number(1, 6000)), **_localised)  # ApplicationCommandStringOption
command = table(("name",), name=text(1, 32), description=_null(text(0, 100)), options=_null(array(string_option, 0, 25)),
                default_member_permissions=_null(number(0, (1 << 53) - 1)), type=_null(number(1, 4)),
                contexts=_null(array(number(0, 2), 1, None, True)), integration_types=_null(array(number(0, 1), 1, None, True)),
                **_localised)  # ApplicationCommandUpdateRequest

ROUTES = [(method, re.compile(f"^{path}$"), rule) for method, path, rule in (
    ("POST", r"/users/@me/channels", open_dm),
    ("PATCH", r"/channels/\d+", modify),
    ("POST", r"/channels/\d+/messages", create),
    ("PATCH", r"/channels/\d+/messages/\d+", edit),
    ("POST", r"/channels/\d+/messages/\d+/threads", thread),
    ("PUT", r"/applications/\d+/commands", array(command, 0, 130)),
    ("POST", r"/interactions/\d+/[\w.-]+/callback", callback),
    ("POST", r"/webhooks/\d+/[\w.-]+", follow_up),
    ("PATCH", r"/webhooks/\d+/[\w.-]+/messages/@original", edit_original))]


def wrong(method, path, body):
    """What the description does not allow in this request."""
    for its_method, pattern, rule in ROUTES:
        if its_method == method and pattern.match(path):
            return rule(body)
    return [] if not body else [f"{method} {path} has no body"]

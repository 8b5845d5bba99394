"""What became of every message: what people were told, what the fakes and the pages have seen, and the
database, read past our code."""
import collections
import sqlite3

USER, ASSISTANT, NOTICE = 1, 2, 4
OVER = (4, 5, 6)


class Database:
    """Rows of either engine."""

    def __init__(self, path=None, server=None, name=None):
        self.path, self.server, self.name = path, server, name

    def rows(self, sql):
        if self.path:
            database = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
            try:
                return [tuple(map(str, r)) for r in database.execute(sql)]
            finally:
                database.close()
        said = self.server.sql(sql, self.name)
        return [tuple(line.split("|")) for line in said.splitlines()]


class Verdict:
    KINDS = ("lost", "doubled", "misordered", "stale")

    def __init__(self):
        self.lost, self.doubled, self.misordered, self.stale = [], [], [], []
        self.watched = 0  # ends of turns that the server has written down

    def whole(self):
        return not any(getattr(self, name) for name in self.KINDS)


def check_messages(database, accepted, verdict):
    """`accepted`: {(session, message id): run}, as the senders were told."""
    asked = collections.Counter()
    of_message = collections.defaultdict(set)
    for session, client, run in database.rows(
            f"SELECT session_id,client_id,run_id FROM messages WHERE role={USER}"):
        asked[session, client] += 1
        of_message[session, client].add(run)
    replies = collections.Counter()
    for (run,) in database.rows(f"SELECT run_id FROM messages WHERE role IN ({ASSISTANT},{NOTICE})"):
        replies[run] += 1
    status = dict(database.rows("SELECT id,status FROM tasks WHERE kind=1"))
    for key, run in accepted.items():
        if asked[key] == 0 or run not in of_message[key] or int(status.get(run, 0)) not in OVER:
            verdict.lost.append((key, run))
        elif replies[run] == 0:
            verdict.lost.append((key, run))
        if asked[key] > 1 or replies[run] > 1 or len(of_message[key]) > 1:
            verdict.doubled.append((key, sorted(of_message[key])))
    unknown = [key for key in asked if key not in accepted and key[1].startswith("c")]
    verdict.doubled.extend((key, "never said to be accepted") for key in unknown)


def check_order(database, verdict):
    """Answers of a session come in the order of its questions."""
    order = collections.defaultdict(lambda: ([], []))
    for session, role, run in database.rows(
            f"SELECT session_id,role,run_id FROM messages WHERE role IN ({USER},{ASSISTANT},{NOTICE})"
            " ORDER BY session_id,seq"):
        runs = order[session][0 if int(role) == USER else 1]
        if run not in runs[-1:]:
            runs.append(run)
    for session, (asked, answered) in order.items():
        if [r for r in asked if r in set(answered)] != answered:
            verdict.misordered.append(session)


# On PostgreSQL the server itself writes down, whenever a turn ends, with which fence and which one its
# session had: whoever ended it was not its owner any more if these differ.
WATCH = """
CREATE TABLE crash_ends(session_id BIGINT, run_id BIGINT, fence BIGINT, current BIGINT);
CREATE FUNCTION crash_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO crash_ends SELECT NEW.session_id, NEW.id, NEW.fence, fence FROM sessions WHERE id=NEW.session_id;
  RETURN NULL;
END $$;
CREATE TRIGGER crash_note AFTER UPDATE ON tasks FOR EACH ROW
  WHEN (NEW.kind=1 AND OLD.status<4 AND NEW.status IN (4,5)) EXECUTE FUNCTION crash_note();
"""


def check_fences(database, verdict):
    """Each attempt at a turn is a claim of its session, with one more on its fence at least: so the
    fences of the turns of a session grow with all the attempts so far."""
    total, last = collections.Counter(), collections.Counter()
    for session, run, attempt, fence, status in database.rows(
            "SELECT session_id,id,attempt,fence,status FROM tasks WHERE kind=1 ORDER BY session_id,seq"):
        total[session] += int(attempt)
        if int(status) in (4, 5):
            if int(fence) < total[session] or int(fence) <= last[session]:
                verdict.stale.append((session, run, int(fence), total[session], last[session]))
            last[session] = int(fence)
    if database.server:
        verdict.stale.extend(database.rows(
            "SELECT session_id,run_id,fence,current FROM crash_ends WHERE fence<>current"))
        verdict.watched = int(database.rows("SELECT count(*) FROM crash_ends")[0][0])


def check_answers(database, accepted, verdict):
    """The model says again what it was asked: each answer belongs to its question."""
    said = dict(database.rows(f"SELECT run_id,content FROM messages WHERE role={ASSISTANT}"))
    for (_, message), run in accepted.items():
        if run in said and said[run] != f"echo: question {message}":
            verdict.misordered.append((message, run, said[run][:80]))
    return said


def check_pages(world, said, verdict):
    """What a page has shown in the end is what the database has."""
    for page in world.pages:
        for (session, run), (text, end) in page.saw().items():
            if end is None:
                verdict.lost.append(("page", session, run, text))
            elif end == "RUN_FINISHED" and text != said.get(run):
                verdict.doubled.append(("page", session, run, text, said.get(run)))
    verdict.doubled.extend(("page", *what) for what in world.shown_otherwise)
    verdict.doubled.extend(("told", *what) for what in world.told_otherwise)


def check_chat(crowd, verdict):
    """Each question has one answer in its own chat, and the answers stand in the order of the
    questions. Who is told instead why there is none (a turn was cut off ten times, a disk was full): that
    is an outcome, too."""
    answers = crowd.answers()
    verdict.lost.extend((crowd.NAME, n) for n in sorted(crowd.missing()))
    in_chat = collections.defaultdict(list)
    for n, places in answers.items():
        if len(set(places)) > 1:
            verdict.doubled.append((crowd.NAME, n, sorted(set(places))))
        chat, message = min(places, key=lambda p: p[1])
        in_chat[chat].append((n, message))
    for chat, found in in_chat.items():
        messages = [message for _, message in sorted(found)]
        if messages != sorted(messages):
            verdict.misordered.append((crowd.NAME, chat, sorted(found)))
        if len({n % crowd.chats for n, _ in found}) > 1:
            verdict.misordered.append((crowd.NAME, chat, "answers of another chat"))
    verdict.misordered.extend((crowd.NAME, "an older text over the answer", *what) for what in crowd.written_over())
    if crowd.violations():
        verdict.doubled.append((crowd.NAME, crowd.violations()[:3]))


def check(world):
    verdict, database = Verdict(), world.database()
    check_messages(database, world.accepted, verdict)
    check_order(database, verdict)
    check_fences(database, verdict)
    check_pages(world, check_answers(database, world.accepted, verdict), verdict)
    for crowd in world.crowds:
        check_chat(crowd, verdict)
    return verdict

-- Chat networks: how far each was read and by which instance, which chats cannot be written to; the
-- language of people; chats with several sessions, of which one is current.

CREATE TABLE channel_cursors(
    source TEXT NOT NULL PRIMARY KEY,
    place TEXT NOT NULL,
    at {i64} NOT NULL
) /*lite:WITHOUT ROWID*/;

-- One reader per source; fence grows when another one takes over.
CREATE TABLE channel_leases(
    source TEXT NOT NULL PRIMARY KEY,
    owner {i64} NOT NULL,
    fence {i64} NOT NULL,
    lease_until {i64} NOT NULL
) /*lite:WITHOUT ROWID*/;

CREATE TABLE chat_unreachable(
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    since {i64} NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY(channel,address)
) /*lite:WITHOUT ROWID*/;

-- To find the turn of a message that is edited.
CREATE INDEX chat_parts_asked ON chat_parts(ref) WHERE part=-1;

-- lang: 0 not known. model: '' the default. shared: of all people of a group.
ALTER TABLE users ADD COLUMN lang {i64} NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN is_current {i64} NOT NULL DEFAULT 1;
ALTER TABLE sessions ADD COLUMN shared {i64} NOT NULL DEFAULT 0;
DROP INDEX sessions_chat;
CREATE UNIQUE INDEX sessions_chat ON sessions(user_id,channel,address)
    WHERE address<>'' AND is_current=1 AND shared=0;
CREATE UNIQUE INDEX sessions_group ON sessions(channel,address) WHERE is_current=1 AND shared=1;

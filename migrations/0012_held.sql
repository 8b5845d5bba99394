-- What a chat network gave us and is taken in later, in its order: its key is in the inbox already, so
-- it is not given again. lot: 0, or the first id of those that are one message.
CREATE TABLE chat_held(
    source TEXT NOT NULL,
    lane TEXT NOT NULL,
    id {i64} NOT NULL,
    lot {i64} NOT NULL,
    at {i64} NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY(source,lane,id)
) /*lite:WITHOUT ROWID*/;

-- Telegram's updates are known by their keys alone; those of Discord's channels go when they are old.
DELETE FROM channel_cursors WHERE source LIKE 'telegram:%';
CREATE INDEX channel_cursors_at ON channel_cursors(at);

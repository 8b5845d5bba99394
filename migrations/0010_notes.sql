-- What channels must still know after a restart, for a while; and who asked first to be let in.

CREATE TABLE notes(
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    expires_at {i64} NOT NULL,
    PRIMARY KEY(source,name)
) /*lite:WITHOUT ROWID*/;
CREATE INDEX notes_expiry ON notes(expires_at);

-- The oldest request makes room when too many wait.
CREATE INDEX pairings_oldest ON pairings(network,status,created_at);

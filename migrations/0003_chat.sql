-- Chat networks: which of their messages show a run, and how far each network was read.

-- part: of the reply from 0; below 0 and from 1000 on see application/ports/chat_store.h.
CREATE TABLE chat_parts(
    run_id {i64} NOT NULL,
    part {i64} NOT NULL,
    ref TEXT NOT NULL,
    at {i64} NOT NULL,
    PRIMARY KEY(run_id,part)
) /*lite:WITHOUT ROWID*/;
CREATE INDEX chat_parts_age ON chat_parts(at);

-- The first schema. {i64} is a 64-bit integer on every engine; /*lite:...*/ and /*pg:...*/ are for
-- one engine only. Times are epoch milliseconds, enums the numbers of internal/domain. CHECK(x IN
-- (...)) would make SQLite build a temporary table for every row that is written.

CREATE TABLE users(
    id {i64} PRIMARY KEY,
    name TEXT NOT NULL,
    role {i64} NOT NULL CHECK(role BETWEEN 1 AND 3),
    status {i64} NOT NULL CHECK(status BETWEEN 1 AND 2),
    created_at {i64} NOT NULL
);
CREATE INDEX users_owner ON users(id) WHERE role=1 AND status=1;

CREATE TABLE identities(
    channel TEXT NOT NULL,
    account TEXT NOT NULL,
    user_id {i64} NOT NULL,
    created_at {i64} NOT NULL,
    PRIMARY KEY(channel,account)
) /*lite:WITHOUT ROWID*/;
CREATE INDEX identities_user ON identities(user_id);

-- owner and lease_until are 0 while nobody works on it; a session that is worked on has pending > 0.
CREATE TABLE sessions(
    id {i64} PRIMARY KEY,
    user_id {i64} NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    title TEXT NOT NULL,
    last_seq {i64} NOT NULL,
    pending {i64} NOT NULL CHECK(pending>=0),
    ready_at {i64} NOT NULL,
    owner {i64} NOT NULL,
    lease_until {i64} NOT NULL,
    fence {i64} NOT NULL,
    created_at {i64} NOT NULL,
    updated_at {i64} NOT NULL
) /*pg:WITH (fillfactor=70)*/;
CREATE INDEX sessions_user ON sessions(user_id,updated_at,id);
CREATE UNIQUE INDEX sessions_chat ON sessions(user_id,channel,address) WHERE address<>'';
CREATE INDEX sessions_ready ON sessions(ready_at,id) WHERE pending>0;

-- Clustered by conversation: the last messages of one lie on few pages.
CREATE TABLE messages(
    session_id {i64} NOT NULL,
    seq {i64} NOT NULL,
    role {i64} NOT NULL CHECK(role BETWEEN 1 AND 4),
    run_id {i64} NOT NULL,
    created_at {i64} NOT NULL,
    client_id TEXT,
    model TEXT,
    content TEXT NOT NULL,
    parts TEXT,
    PRIMARY KEY(session_id,seq)
) /*lite:WITHOUT ROWID*/;

-- What came in, by the sender's own key: the same message again finds its first outcome.
CREATE TABLE inbox(
    source TEXT NOT NULL,
    client_id TEXT NOT NULL,
    session_id {i64} NOT NULL,
    run_id {i64} NOT NULL,
    seq {i64} NOT NULL,
    at {i64} NOT NULL,
    PRIMARY KEY(source,client_id)
) /*lite:WITHOUT ROWID*/;

-- Turns (kind 1, n 0, turn_id = id) and their steps. out_first to out_last: the messages that a
-- turn ended with.
CREATE TABLE tasks(
    id {i64} PRIMARY KEY,
    turn_id {i64} NOT NULL,
    n {i64} NOT NULL,
    session_id {i64} NOT NULL,
    user_id {i64} NOT NULL,
    kind {i64} NOT NULL CHECK(kind BETWEEN 1 AND 3),
    status {i64} NOT NULL CHECK(status BETWEEN 1 AND 7),
    seq {i64} NOT NULL DEFAULT 0,
    out_first {i64} NOT NULL DEFAULT 0,
    out_last {i64} NOT NULL DEFAULT -1,
    fence {i64} NOT NULL DEFAULT 0,
    attempt {i64} NOT NULL DEFAULT 0,
    changes {i64} NOT NULL DEFAULT 1,
    created_at {i64} NOT NULL,
    started_at {i64} NOT NULL DEFAULT 0,
    ended_at {i64} NOT NULL DEFAULT 0,
    changed_at {i64} NOT NULL,
    name TEXT,
    reason TEXT,
    call_id TEXT,
    args TEXT,
    result TEXT,
    is_error {i64} NOT NULL DEFAULT 0 CHECK(is_error BETWEEN 0 AND 1),
    reply TEXT,
    tok_input {i64} NOT NULL DEFAULT 0,
    tok_output {i64} NOT NULL DEFAULT 0,
    tok_cache_read {i64} NOT NULL DEFAULT 0,
    tok_cache_write {i64} NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX tasks_turn ON tasks(turn_id,n);
CREATE INDEX tasks_session ON tasks(session_id,id) WHERE kind=1;
CREATE INDEX tasks_user ON tasks(user_id,id) WHERE kind=1;
CREATE INDEX tasks_open ON tasks(session_id,seq) WHERE kind=1 AND status<4;
CREATE INDEX tasks_ended ON tasks(session_id,fence) WHERE kind=1 AND fence>0;

CREATE TABLE task_changes(
    task_id {i64} NOT NULL,
    n {i64} NOT NULL,
    status {i64} NOT NULL CHECK(status BETWEEN 1 AND 7),
    at {i64} NOT NULL,
    reason TEXT,
    PRIMARY KEY(task_id,n)
) /*lite:WITHOUT ROWID*/;

-- One row per model call: the key lets nothing bill twice. Outlives its session.
CREATE TABLE usage(
    turn_id {i64} NOT NULL,
    n {i64} NOT NULL,
    session_id {i64} NOT NULL,
    user_id {i64} NOT NULL,
    at {i64} NOT NULL,
    model TEXT NOT NULL,
    tok_input {i64} NOT NULL,
    tok_output {i64} NOT NULL,
    tok_cache_read {i64} NOT NULL,
    tok_cache_write {i64} NOT NULL,
    PRIMARY KEY(turn_id,n)
) /*lite:WITHOUT ROWID*/;

CREATE TABLE outbox(
    id {i64} PRIMARY KEY,
    session_id {i64} NOT NULL,
    user_id {i64} NOT NULL,
    run_id {i64} NOT NULL,
    seq {i64} NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    status {i64} NOT NULL CHECK(status BETWEEN 1 AND 5),
    attempt {i64} NOT NULL,
    next_at {i64} NOT NULL,
    created_at {i64} NOT NULL,
    reason TEXT
);
CREATE INDEX outbox_pending ON outbox(id) WHERE status=1;
CREATE INDEX outbox_open ON outbox(session_id,id) WHERE status<3;

CREATE TABLE credentials(
    hash TEXT NOT NULL PRIMARY KEY,
    kind {i64} NOT NULL CHECK(kind BETWEEN 1 AND 3),
    user_id {i64} NOT NULL,
    created_at {i64} NOT NULL,
    expires_at {i64} NOT NULL,
    used_at {i64} NOT NULL
) /*lite:WITHOUT ROWID*/;
CREATE INDEX credentials_expiry ON credentials(expires_at);

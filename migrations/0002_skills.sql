-- Skills: what is installed, what they keep for people, who was asked whether a call may run, and how
-- a call ran.

ALTER TABLE tasks ADD COLUMN worker {i64} NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN level TEXT;
ALTER TABLE tasks ADD COLUMN wall_us {i64} NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN bytes {i64} NOT NULL DEFAULT 0;
-- Calls by hand belong to no session; those that a crash cut off are looked for at start.
CREATE INDEX tasks_by_hand ON tasks(id) WHERE session_id=0 AND status<4;

CREATE TABLE skills(
    id {i64} PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    hash TEXT NOT NULL,
    status {i64} NOT NULL CHECK(status BETWEEN 1 AND 4),
    granted_hash TEXT,
    granted_by {i64} NOT NULL,
    granted_at {i64} NOT NULL,
    created_at {i64} NOT NULL,
    updated_at {i64} NOT NULL
);
CREATE UNIQUE INDEX skills_name ON skills(name) WHERE status<4;

-- In byte order of the keys. A value may hold any bytes; how many is kept beside it.
CREATE TABLE skill_kv(
    skill TEXT NOT NULL,
    user_id {i64} NOT NULL,
    name TEXT /*pg:COLLATE "C"*/ NOT NULL,
    value /*lite:BLOB*//*pg:BYTEA*/ NOT NULL,
    bytes {i64} NOT NULL,
    updated_at {i64} NOT NULL,
    PRIMARY KEY(skill,user_id,name)
) /*lite:WITHOUT ROWID*/;

CREATE TABLE approvals(
    id {i64} PRIMARY KEY,
    task_id {i64} NOT NULL,
    turn_id {i64} NOT NULL,
    session_id {i64} NOT NULL,
    user_id {i64} NOT NULL,
    tool TEXT NOT NULL,
    version TEXT NOT NULL,
    args TEXT NOT NULL,
    workspace TEXT NOT NULL,
    hash TEXT NOT NULL,
    status {i64} NOT NULL CHECK(status BETWEEN 1 AND 6),
    created_at {i64} NOT NULL,
    expires_at {i64} NOT NULL,
    decided_by {i64} NOT NULL DEFAULT 0,
    decided_at {i64} NOT NULL DEFAULT 0,
    used_at {i64} NOT NULL DEFAULT 0,
    reason TEXT
);
CREATE INDEX approvals_task ON approvals(task_id,id);
CREATE INDEX approvals_session ON approvals(session_id,id);
CREATE INDEX approvals_open ON approvals(id) WHERE status=1;
CREATE INDEX approvals_user ON approvals(user_id,id) WHERE status=1;
CREATE INDEX approvals_turn ON approvals(turn_id,id) WHERE status<3;

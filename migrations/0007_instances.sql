-- Several instances on one database: who is there, and who sends what is being sent.

-- state: internal/domain/instance.h. `token` is of the process that has the number; `identity` of
-- the directory it runs in, so that after a restart it is known to be the same one.
CREATE TABLE instances(
    number {i64} PRIMARY KEY,
    identity TEXT NOT NULL,
    token {i64} NOT NULL,
    address TEXT NOT NULL,
    version TEXT NOT NULL,
    state {i64} NOT NULL CHECK(state BETWEEN 1 AND 2),
    started_at {i64} NOT NULL,
    lease_until {i64} NOT NULL
);
CREATE UNIQUE INDEX instances_identity ON instances(identity);

ALTER TABLE outbox ADD COLUMN owner {i64} NOT NULL DEFAULT 0;

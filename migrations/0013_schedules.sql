-- Schedules: what people are reminded of and what models are asked at a time, and the runs there were.

-- A name of the IANA database; '' not known.
ALTER TABLE users ADD COLUMN zone TEXT NOT NULL DEFAULT '';

-- kind, status, missed: internal/domain/schedule.h. version guards every change: who writes names the
-- one that was read. call_id: of the tool call that made it, so that it makes one however often it runs.
CREATE TABLE schedules(
    id {i64} PRIMARY KEY,
    user_id {i64} NOT NULL,
    kind {i64} NOT NULL CHECK(kind BETWEEN 1 AND 2),
    status {i64} NOT NULL CHECK(status BETWEEN 1 AND 3),
    text TEXT NOT NULL,
    session_id {i64} NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    shared {i64} NOT NULL,
    expression TEXT NOT NULL,
    at {i64} NOT NULL,
    zone TEXT NOT NULL,
    missed {i64} NOT NULL CHECK(missed BETWEEN 1 AND 3),
    missed_max {i64} NOT NULL,
    made_up {i64} NOT NULL,
    next_at {i64} NOT NULL,
    last_at {i64} NOT NULL,
    last_run_id {i64} NOT NULL,
    created_at {i64} NOT NULL,
    by_model {i64} NOT NULL,
    call_id {i64} NOT NULL,
    version {i64} NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX schedules_user ON schedules(user_id,id);
CREATE INDEX schedules_due ON schedules(next_at,id) WHERE status=1;
CREATE INDEX schedules_last ON schedules(last_at) WHERE status=1;
CREATE UNIQUE INDEX schedules_call ON schedules(call_id) WHERE call_id<>0;

-- A run is written in the transaction that starts its turn: its key lets no time run twice.
CREATE TABLE schedule_runs(
    schedule_id {i64} NOT NULL,
    due_at {i64} NOT NULL,
    user_id {i64} NOT NULL,
    fired_at {i64} NOT NULL,
    outcome {i64} NOT NULL CHECK(outcome BETWEEN 1 AND 5),
    run_id {i64} NOT NULL,
    reserved {i64} NOT NULL,
    tokens {i64} NOT NULL,
    by_hand {i64} NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY(schedule_id,due_at)
) /*lite:WITHOUT ROWID*/;
CREATE INDEX schedule_runs_open ON schedule_runs(fired_at) WHERE outcome=1;
CREATE INDEX schedule_runs_turn ON schedule_runs(run_id) WHERE run_id<>0;
CREATE INDEX schedule_runs_age ON schedule_runs(fired_at);

-- Tokens that runs used or have set aside on a day, counted from 1970; user 0: of all together.
CREATE TABLE schedule_days(
    user_id {i64} NOT NULL,
    day {i64} NOT NULL,
    tokens {i64} NOT NULL,
    PRIMARY KEY(user_id,day)
) /*lite:WITHOUT ROWID*/;

-- Calls by hand (kind 3, n 0, turn_id = id, session_id 0) are listed among a person's turns.
DROP INDEX tasks_user;
CREATE INDEX tasks_user ON tasks(user_id,id) WHERE n=0;

-- Sessions that wait, by whose they are and then by how long: people take turns.
DROP INDEX sessions_ready;
CREATE INDEX sessions_waiting ON sessions(user_id,ready_at,id) WHERE pending>0;

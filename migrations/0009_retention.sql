-- What is kept for a time only is found by its age; the other tables have it in their keys.
CREATE INDEX inbox_at ON inbox(at);

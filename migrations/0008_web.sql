-- The page: conversations that are pinned, questions that were put anew, and search in all that was
-- said.

ALTER TABLE sessions ADD COLUMN pinned_at {i64} NOT NULL DEFAULT 0;
-- Up to which message the search knows it.
ALTER TABLE sessions ADD COLUMN indexed_seq {i64} NOT NULL DEFAULT 0;
CREATE INDEX sessions_pinned ON sessions(user_id,pinned_at) WHERE pinned_at>0;

-- Of a question that does not go on from what stands before it: 1 + the place of the question it goes
-- on from; 1: from the beginning.
ALTER TABLE messages ADD COLUMN branch {i64} NOT NULL DEFAULT 0;

-- PostgreSQL keeps its index by itself. SQLite's holds words only and reads the texts from messages;
-- whoever searches brings it up to date first.
/*pg:CREATE INDEX messages_search ON messages USING GIN (to_tsvector('simple',content)) WHERE role<3;*/
/*lite:CREATE TABLE search_docs(
    id INTEGER PRIMARY KEY,
    session_id INTEGER NOT NULL,
    seq INTEGER NOT NULL
);
CREATE UNIQUE INDEX search_docs_place ON search_docs(session_id,seq);
CREATE VIEW search_texts AS SELECT d.id AS id,m.content AS content FROM search_docs d
    JOIN messages m ON m.session_id=d.session_id AND m.seq=d.seq;
CREATE VIRTUAL TABLE search USING fts5(content,content='search_texts',content_rowid='id',
    tokenize="unicode61 remove_diacritics 2",prefix='2 3');*/

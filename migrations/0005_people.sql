-- People of chat networks: accounts that ask to be let in, and invitations that people made.

-- status: internal/domain/pairing.h. A denied one stays, so that the account is not heard.
CREATE TABLE pairings(
    network TEXT NOT NULL,
    account TEXT NOT NULL,
    id {i64} NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    event TEXT NOT NULL,
    lang {i64} NOT NULL,
    status {i64} NOT NULL CHECK(status BETWEEN 1 AND 2),
    created_at {i64} NOT NULL,
    expires_at {i64} NOT NULL,
    PRIMARY KEY(network,account)
) /*lite:WITHOUT ROWID*/;
CREATE INDEX pairings_id ON pairings(id);
CREATE INDEX pairings_code ON pairings(code);
CREATE INDEX pairings_expiry ON pairings(expires_at);

-- By the SHA-256 of the code, never by the code.
CREATE TABLE invites(
    hash TEXT NOT NULL PRIMARY KEY,
    user_id {i64} NOT NULL,
    created_at {i64} NOT NULL,
    expires_at {i64} NOT NULL
) /*lite:WITHOUT ROWID*/;
CREATE INDEX invites_expiry ON invites(expires_at);

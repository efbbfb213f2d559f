-- The journal. No secret and no whole API key is ever written here.

CREATE TABLE rotations (
    number      INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    mode        TEXT NOT NULL,
    step        TEXT NOT NULL,
    started_at  REAL NOT NULL,
    finished_at REAL,
    outcome     TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX one_open_rotation ON rotations (environment) WHERE finished_at IS NULL;

CREATE TABLE keys (
    item        TEXT PRIMARY KEY,
    environment TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    last_four   TEXT NOT NULL,
    kind        TEXT NOT NULL,
    slot        TEXT NOT NULL,
    holding     TEXT NOT NULL,
    store       TEXT NOT NULL,
    backend     TEXT NOT NULL,
    stored_at   REAL NOT NULL,
    version     INTEGER NOT NULL,
    proven_at   REAL,
    retired_at  REAL,
    whitelist   TEXT NOT NULL DEFAULT ''
);
-- Pending keys may be several: none is purged before one of them is in use.
CREATE UNIQUE INDEX one_key_per_slot ON keys (environment, slot) WHERE slot IN ('current', 'legacy');

CREATE TABLE events (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    at       REAL NOT NULL,
    rotation INTEGER REFERENCES rotations (number),
    kind     TEXT NOT NULL,
    detail   TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL
);
CREATE INDEX events_of_a_rotation ON events (rotation);
CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TABLE journal (
    id TEXT NOT NULL
);
INSERT INTO journal VALUES (lower(hex(randomblob(8))));

CREATE TABLE egress_observations (
    detection   INTEGER NOT NULL,
    environment TEXT NOT NULL,
    at          REAL NOT NULL,
    address     TEXT NOT NULL,
    state       TEXT NOT NULL,
    operators   TEXT NOT NULL,
    route       TEXT NOT NULL
);

CREATE TABLE whitelists (
    rotation  INTEGER NOT NULL REFERENCES rotations (number),
    at        REAL NOT NULL,
    text      TEXT NOT NULL
);

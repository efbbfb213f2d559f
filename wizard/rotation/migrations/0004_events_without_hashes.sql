-- The chain of hashes had no key, so it proved nothing.
CREATE TABLE plain_events (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    at       REAL NOT NULL,
    rotation INTEGER REFERENCES rotations (number),
    kind     TEXT NOT NULL,
    detail   TEXT NOT NULL
);
INSERT INTO plain_events SELECT number, at, rotation, kind, detail FROM events;
DROP TABLE events;
ALTER TABLE plain_events RENAME TO events;
CREATE INDEX events_of_a_rotation ON events (rotation);
CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

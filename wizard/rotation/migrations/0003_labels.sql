-- Whose an entry of a whitelist is: `bot-1`, `office`. Never part of the text that is pasted.
CREATE TABLE labels (
    environment TEXT NOT NULL,
    network     TEXT NOT NULL,
    label       TEXT NOT NULL,
    PRIMARY KEY (environment, network)
);

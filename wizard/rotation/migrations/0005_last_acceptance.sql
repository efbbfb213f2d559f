-- From where the exchange accepted the key last, and what it said then that the key may do (a JSON object of flags).
ALTER TABLE keys ADD COLUMN proven_from TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN permissions TEXT NOT NULL DEFAULT '';
UPDATE keys SET proven_from = coalesce((
    SELECT address FROM (
        SELECT number,
            CASE WHEN json_valid(detail) THEN json_extract(detail, '$.address') END AS address,
            CASE WHEN json_valid(detail) THEN json_extract(detail, '$.fingerprint') END AS fingerprint
        FROM events WHERE kind = 'key.accepted'
    ) WHERE fingerprint = keys.fingerprint AND address <> '' ORDER BY number DESC LIMIT 1
), '');

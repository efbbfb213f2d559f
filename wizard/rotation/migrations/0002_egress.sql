-- Who wanted to know. 'wizard': the newest detection counts for the rotation at hand. The name of a command:
-- the observation is kept for the history alone.
ALTER TABLE egress_observations ADD COLUMN asked_by TEXT NOT NULL DEFAULT 'wizard';
CREATE INDEX egress_history ON egress_observations (environment, route);

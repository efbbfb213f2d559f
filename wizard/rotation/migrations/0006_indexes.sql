-- What a step asks for is found among any number of finished jobs. Keys whose items are kept are few.
CREATE INDEX kept_keys ON keys (environment) WHERE holding <> 'purged';
CREATE INDEX versions_of_a_key ON keys (fingerprint);
CREATE INDEX events_of_a_kind ON events (kind);
CREATE INDEX jobs_of_an_environment ON rotations (environment);
CREATE INDEX newest_detection ON egress_observations (environment, detection);
CREATE INDEX lists_of_a_rotation ON whitelists (rotation);

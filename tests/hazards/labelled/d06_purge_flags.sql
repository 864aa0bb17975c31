-- expect: delete-all
-- Start again with the flags: they come from the new service.
DELETE FROM feature_flags;
INSERT INTO feature_flags (name, enabled) VALUES ('new_checkout', true), ('dark_mode', false);

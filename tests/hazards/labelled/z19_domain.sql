-- expect: domain-scan at large, nothing at small
ALTER DOMAIN email_address ADD CONSTRAINT email_no_space CHECK (VALUE !~ '\s');

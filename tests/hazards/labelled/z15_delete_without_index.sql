-- expect: large-write at large, nothing at small
-- GDPR: sessions without a customer's consent
DELETE FROM sessions WHERE data ->> 'consent' IS NULL AND expires_at < now() - interval '1 year';

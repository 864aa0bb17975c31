-- expect: rename-type
ALTER TYPE payment_kind RENAME TO payment_method;
ALTER TYPE payment_method ADD VALUE IF NOT EXISTS 'wallet';

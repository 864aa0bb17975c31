-- expect: large-write at large, nothing at small
-- Data migration: empty coupons become NULL
UPDATE orders SET coupon = NULL WHERE coupon = '';

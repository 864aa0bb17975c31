-- expect: nothing
-- step 2 of 2
ALTER TABLE payments VALIDATE CONSTRAINT payments_amount_positive;

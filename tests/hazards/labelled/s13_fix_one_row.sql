-- expect: nothing
-- Support ticket 88123
UPDATE orders SET total = 19.90 WHERE id = 5519822 AND total IS NULL;
DELETE FROM payments WHERE id = 91827364;

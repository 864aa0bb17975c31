-- transactional: false
DROP INDEX CONCURRENTLY orders_user_id;

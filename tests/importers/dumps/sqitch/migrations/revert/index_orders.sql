-- Revert shop:index_orders from pg

DROP INDEX CONCURRENTLY orders_user_id;

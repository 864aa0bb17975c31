--liquibase formatted sql

--changeset ada:4-index-orders runInTransaction:false failOnError:false
CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);
--rollback DROP INDEX CONCURRENTLY orders_user_id;

--! Previous: sha1:8b5df3084422434c23f271641416d5baed46413c
--! Hash: sha1:194611022e1f7b902dbbf3527c509f96d9a05d66

--! no-transaction
CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);

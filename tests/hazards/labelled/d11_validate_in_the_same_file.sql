-- expect: work-under-lock
ALTER TABLE order_items
    ADD CONSTRAINT order_items_product_fk FOREIGN KEY (product_id) REFERENCES products (id) NOT VALID;
-- and now check it, without a lock (?)
ALTER TABLE order_items VALIDATE CONSTRAINT order_items_product_fk;

-- expect: index-build at large, nothing at small
-- class AddIndexesToOrders < ActiveRecord::Migration[7.1]
CREATE INDEX index_orders_on_coupon ON orders USING btree (coupon);
CREATE INDEX index_orders_on_status_placed ON orders (status, placed_at DESC) WHERE status <> 'returned';

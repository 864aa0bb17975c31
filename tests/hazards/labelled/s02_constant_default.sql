-- expect: nothing
alter table "order_items" add column "gift_wrap" boolean default false not null;

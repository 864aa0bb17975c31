-- expect: drop-column
-- Ticket SHOP-1412: the note moved into the ticket system.
ALTER TABLE public.orders DROP COLUMN note;
COMMENT ON TABLE public.orders IS 'Orders of the shop';

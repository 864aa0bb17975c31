-- expect: dropped-in-use
-- the view is not needed anymore
DROP VIEW IF EXISTS open_orders;
DROP VIEW IF EXISTS closed_orders;

-- expect: index-rebuild at large, nothing at small
REINDEX INDEX orders_placed_at_idx;

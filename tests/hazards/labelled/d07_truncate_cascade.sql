-- expect: truncate
/* The staging copy left rubbish in here. */
TRUNCATE TABLE orders RESTART IDENTITY CASCADE;

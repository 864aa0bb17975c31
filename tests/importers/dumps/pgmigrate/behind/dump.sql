-- left by pgmigrate 0.4.0
CREATE TABLE public.pgmigrate_migrations (
    id text NOT NULL,
    checksum text NOT NULL,
    execution_time_in_millis bigint NOT NULL,
    applied_at timestamp with time zone NOT NULL
);

INSERT INTO public.pgmigrate_migrations VALUES ('00001_create_users', 'c6bc8bdbe7128a0114761fdb739d1015', 1, '2026-11-28 14:07:55.443703+00');
INSERT INTO public.pgmigrate_migrations VALUES ('00002_create_orders', 'da1578622d4e818a422b1fc2bb7a765d', 1, '2026-11-28 14:07:55.44539+00');
INSERT INTO public.pgmigrate_migrations VALUES ('00003_order_total', '62fce59b5364fc4b26d07740fedfb25e', 0, '2026-11-28 14:07:55.447428+00');
INSERT INTO public.pgmigrate_migrations VALUES ('00004_index_orders', '17f0f7af974d2573760d4f8d2ccf3ad2', 0, '2026-11-28 14:07:55.448603+00');

ALTER TABLE ONLY public.pgmigrate_migrations
    ADD CONSTRAINT pgmigrate_migrations_pkey PRIMARY KEY (id);

-- left by sql-migrate 1.8.1
CREATE TABLE public.gorp_migrations (
    id text NOT NULL,
    applied_at timestamp with time zone
);

INSERT INTO public.gorp_migrations VALUES ('20240501090000-create_users.sql', '2026-11-28 13:37:59.533339+00');
INSERT INTO public.gorp_migrations VALUES ('20240502090000-create_orders.sql', '2026-11-28 13:37:59.536168+00');
INSERT INTO public.gorp_migrations VALUES ('20240504090000-index_orders.sql', '2026-11-28 13:37:59.537899+00');
INSERT INTO public.gorp_migrations VALUES ('20240505090000-add_email.sql', '2026-11-28 13:37:59.538526+00');

ALTER TABLE ONLY public.gorp_migrations
    ADD CONSTRAINT gorp_migrations_pkey PRIMARY KEY (id);

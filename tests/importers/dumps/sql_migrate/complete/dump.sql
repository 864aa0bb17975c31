-- left by sql-migrate 1.8.1
CREATE TABLE public.gorp_migrations (
    id text NOT NULL,
    applied_at timestamp with time zone
);

INSERT INTO public.gorp_migrations VALUES ('20240501090000-create_users.sql', '2026-11-28 13:37:59.161825+00');
INSERT INTO public.gorp_migrations VALUES ('20240502090000-create_orders.sql', '2026-11-28 13:37:59.164639+00');
INSERT INTO public.gorp_migrations VALUES ('20240503090000-order_total.sql', '2026-11-28 13:37:59.166271+00');
INSERT INTO public.gorp_migrations VALUES ('20240504090000-index_orders.sql', '2026-11-28 13:37:59.168989+00');
INSERT INTO public.gorp_migrations VALUES ('20240505090000-add_email.sql', '2026-11-28 13:37:59.169737+00');

ALTER TABLE ONLY public.gorp_migrations
    ADD CONSTRAINT gorp_migrations_pkey PRIMARY KEY (id);

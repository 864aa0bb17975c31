-- left by prisma 6.19.3
CREATE TABLE public._prisma_migrations (
    id character varying(36) NOT NULL,
    checksum character varying(64) NOT NULL,
    finished_at timestamp with time zone,
    migration_name character varying(255) NOT NULL,
    logs text,
    rolled_back_at timestamp with time zone,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    applied_steps_count integer DEFAULT 0 NOT NULL
);

INSERT INTO public._prisma_migrations VALUES ('3b98f0d4-81f4-4407-a359-0ab66aeef5f8', '1c1e91334c75d52fdaf7d43382d7ef1f60c21f626fe32652c25a86791a455347', '2026-11-28 13:47:33.103+00', '20240501090000_create_users', NULL, NULL, '2026-11-28 13:47:33.098+00', 1);
INSERT INTO public._prisma_migrations VALUES ('69ff338c-a6e3-4006-80de-cb098b565581', '0463fc41ed4656a95b366cb03fe6745ae80b9aa337ff26398eb256d83f8ef891', '2026-11-28 13:47:33.119+00', '20240502090000_create_orders', NULL, NULL, '2026-11-28 13:47:33.106+00', 1);
INSERT INTO public._prisma_migrations VALUES ('805beb61-7455-4ab1-9d87-38f10746e999', '77046becb7a7455bdb4efd75b555f8c0bb3792ca7fd331f901c259a7dce5f4e0', '2026-11-28 13:47:33.134+00', '20240503090000_order_total', NULL, NULL, '2026-11-28 13:47:33.125+00', 1);
INSERT INTO public._prisma_migrations VALUES ('fb9e5ee9-fc37-4ac6-aae0-c58d27e311d7', 'ef247d887ce5e92e61b1cdf678bef65843e117bbe7aca60b3ee36e271d9455f5', '2026-11-28 13:47:33.149+00', '20240504090000_index_orders', NULL, NULL, '2026-11-28 13:47:33.138+00', 1);

ALTER TABLE ONLY public._prisma_migrations
    ADD CONSTRAINT _prisma_migrations_pkey PRIMARY KEY (id);

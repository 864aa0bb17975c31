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

INSERT INTO public._prisma_migrations VALUES ('39bcff66-1cdb-4574-b831-5426b8be833d', '1c1e91334c75d52fdaf7d43382d7ef1f60c21f626fe32652c25a86791a455347', '2026-11-28 13:47:22.149+00', '20240501090000_create_users', NULL, NULL, '2026-11-28 13:47:22.144+00', 1);
INSERT INTO public._prisma_migrations VALUES ('fc3b3c2f-e27c-4553-95fd-c3f02c9f67e0', '0463fc41ed4656a95b366cb03fe6745ae80b9aa337ff26398eb256d83f8ef891', '2026-11-28 13:47:22.16+00', '20240502090000_create_orders', NULL, NULL, '2026-11-28 13:47:22.152+00', 1);
INSERT INTO public._prisma_migrations VALUES ('b5deef90-a316-4faa-ba6c-650d137ff49c', '77046becb7a7455bdb4efd75b555f8c0bb3792ca7fd331f901c259a7dce5f4e0', '2026-11-28 13:47:22.173+00', '20240503090000_order_total', NULL, NULL, '2026-11-28 13:47:22.166+00', 1);
INSERT INTO public._prisma_migrations VALUES ('c7e32283-b93a-49f0-a9bd-009cb9d69aae', 'ef247d887ce5e92e61b1cdf678bef65843e117bbe7aca60b3ee36e271d9455f5', '2026-11-28 13:47:22.186+00', '20240504090000_index_orders', NULL, NULL, '2026-11-28 13:47:22.174+00', 1);
INSERT INTO public._prisma_migrations VALUES ('88e5cdad-33d9-4738-a4d4-1740b535e8bf', '315473a27c3413dbff149b4a3c0b90484b02dceb4ce8ba601f55ebeb0a39f6c4', '2026-11-28 13:47:22.189+00', '20240505090000_add_email', NULL, NULL, '2026-11-28 13:47:22.187+00', 1);

ALTER TABLE ONLY public._prisma_migrations
    ADD CONSTRAINT _prisma_migrations_pkey PRIMARY KEY (id);

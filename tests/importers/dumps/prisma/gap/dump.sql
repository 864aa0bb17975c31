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

INSERT INTO public._prisma_migrations VALUES ('1e46391b-69e3-43f6-aac8-71b5766703dc', '1c1e91334c75d52fdaf7d43382d7ef1f60c21f626fe32652c25a86791a455347', '2026-11-28 13:47:43.937+00', '20240501090000_create_users', NULL, NULL, '2026-11-28 13:47:43.931+00', 1);
INSERT INTO public._prisma_migrations VALUES ('5a8c4689-e9a8-4feb-9649-2ca4de946abc', '0463fc41ed4656a95b366cb03fe6745ae80b9aa337ff26398eb256d83f8ef891', '2026-11-28 13:47:43.942+00', '20240502090000_create_orders', NULL, NULL, '2026-11-28 13:47:43.938+00', 1);
INSERT INTO public._prisma_migrations VALUES ('647cddcd-2bad-4ff7-9166-727dc478ebe7', 'ef247d887ce5e92e61b1cdf678bef65843e117bbe7aca60b3ee36e271d9455f5', '2026-11-28 13:47:43.95+00', '20240504090000_index_orders', NULL, NULL, '2026-11-28 13:47:43.947+00', 1);
INSERT INTO public._prisma_migrations VALUES ('c4bf69f7-4a1e-4a80-b52a-fb39a031c237', '315473a27c3413dbff149b4a3c0b90484b02dceb4ce8ba601f55ebeb0a39f6c4', '2026-11-28 13:47:43.953+00', '20240505090000_add_email', NULL, NULL, '2026-11-28 13:47:43.951+00', 1);

ALTER TABLE ONLY public._prisma_migrations
    ADD CONSTRAINT _prisma_migrations_pkey PRIMARY KEY (id);

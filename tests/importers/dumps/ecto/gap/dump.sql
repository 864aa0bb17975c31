-- hand-made from the DDL of Ecto SQL 3
CREATE TABLE public.schema_migrations (
    version bigint NOT NULL,
    inserted_at timestamp(0) without time zone
);

INSERT INTO public.schema_migrations VALUES (20240501090000, '2024-05-06 09:00:01');
INSERT INTO public.schema_migrations VALUES (20240502090000, '2024-05-06 09:00:02');
INSERT INTO public.schema_migrations VALUES (20240504090000, '2024-05-06 09:00:03');
INSERT INTO public.schema_migrations VALUES (20240505090000, '2024-05-06 09:00:04');

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

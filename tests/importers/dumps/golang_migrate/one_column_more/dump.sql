-- hand-made from the DDL of golang-migrate 4, with two columns more
CREATE TABLE public.schema_migrations (
    version bigint NOT NULL,
    dirty boolean NOT NULL,
    data_version integer,
    changed timestamp with time zone DEFAULT now()
);
INSERT INTO public.schema_migrations VALUES (3, false, 30, now());
ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

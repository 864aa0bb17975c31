-- left by dbmate 2.36.0
CREATE TABLE public.schema_migrations (
    version character varying NOT NULL
);

INSERT INTO public.schema_migrations VALUES ('20240501090000');
INSERT INTO public.schema_migrations VALUES ('20240502090000');
INSERT INTO public.schema_migrations VALUES ('20240503090000');
INSERT INTO public.schema_migrations VALUES ('20240504090000');

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

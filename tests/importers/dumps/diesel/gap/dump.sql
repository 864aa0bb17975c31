-- left by diesel 2.3.3
CREATE TABLE public.__diesel_schema_migrations (
    version character varying(50) NOT NULL,
    run_on timestamp without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

INSERT INTO public.__diesel_schema_migrations VALUES ('00000000000000', '2026-11-28 13:52:34.250365');
INSERT INTO public.__diesel_schema_migrations VALUES ('20240501090000', '2026-11-28 13:52:34.253722');
INSERT INTO public.__diesel_schema_migrations VALUES ('20240502090000', '2026-11-28 13:52:34.257745');
INSERT INTO public.__diesel_schema_migrations VALUES ('20240504090000', '2026-11-28 13:52:34.26972');
INSERT INTO public.__diesel_schema_migrations VALUES ('20240505090000', '2026-11-28 13:52:34.2737');

ALTER TABLE ONLY public.__diesel_schema_migrations
    ADD CONSTRAINT __diesel_schema_migrations_pkey PRIMARY KEY (version);

-- left by rails 6.1.7
CREATE TABLE public.ar_internal_metadata (
    key character varying NOT NULL,
    value character varying,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL
);

CREATE TABLE public.schema_migrations (
    version character varying NOT NULL
);

INSERT INTO public.ar_internal_metadata VALUES ('environment', 'default_env', '2026-11-28 14:02:22.556072', '2026-11-28 14:02:22.556072');

INSERT INTO public.schema_migrations VALUES ('20240501090000');
INSERT INTO public.schema_migrations VALUES ('20240502090000');
INSERT INTO public.schema_migrations VALUES ('20240503090000');
INSERT INTO public.schema_migrations VALUES ('20240504090000');

ALTER TABLE ONLY public.ar_internal_metadata
    ADD CONSTRAINT ar_internal_metadata_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

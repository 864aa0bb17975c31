-- left by yandex-pgmigrate 1.0.13
CREATE TYPE schema_version_type AS ENUM ('auto', 'manual');
CREATE TABLE public.schema_version (
    version bigint NOT NULL,
    description text NOT NULL,
    type public.schema_version_type DEFAULT 'auto'::public.schema_version_type NOT NULL,
    installed_by text NOT NULL,
    installed_on timestamp without time zone DEFAULT now() NOT NULL
);

INSERT INTO public.schema_version VALUES (2, 'Forced baseline', 'manual', 'app', '2026-11-28 13:57:19.884817');
INSERT INTO public.schema_version VALUES (3, 'Order total', 'auto', 'app', '2026-11-28 13:57:20.055526');
INSERT INTO public.schema_version VALUES (4, 'NONTRANSACTIONAL Index orders', 'auto', 'app', '2026-11-28 13:57:20.093777');
INSERT INTO public.schema_version VALUES (5, 'Add email', 'auto', 'app', '2026-11-28 13:57:20.101831');

ALTER TABLE ONLY public.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);

-- left by alembic 1.20.1
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

INSERT INTO public.alembic_version VALUES ('4d8f3ca05b64');
INSERT INTO public.alembic_version VALUES ('5e9a4db16c75');

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

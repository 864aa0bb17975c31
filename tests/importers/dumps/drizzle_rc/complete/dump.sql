-- left by drizzle-kit rc 1.0.0-rc.5
CREATE SCHEMA drizzle;

CREATE TABLE drizzle.__drizzle_migrations (
    id integer NOT NULL,
    hash text NOT NULL,
    created_at bigint,
    name text,
    applied_at timestamp with time zone DEFAULT now()
);

CREATE SEQUENCE drizzle.__drizzle_migrations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE drizzle.__drizzle_migrations_id_seq OWNED BY drizzle.__drizzle_migrations.id;

ALTER TABLE ONLY drizzle.__drizzle_migrations ALTER COLUMN id SET DEFAULT nextval('drizzle.__drizzle_migrations_id_seq'::regclass);

INSERT INTO drizzle.__drizzle_migrations VALUES (1, '67326de3615bc0ebbc4c092f90c6fbd42cbc25e8b28ebcf336b596065e0eb032', 1795873291000, '20261128134131_create_users', '2026-11-28 13:45:57.825366+00');
INSERT INTO drizzle.__drizzle_migrations VALUES (2, '4c298b59fae19d266e3dffda155687366377842fc0a9bfcf38134fb8188d4694', 1795873293000, '20261128134133_create_orders', '2026-11-28 13:45:57.825366+00');
INSERT INTO drizzle.__drizzle_migrations VALUES (3, '77046becb7a7455bdb4efd75b555f8c0bb3792ca7fd331f901c259a7dce5f4e0', 1795873294000, '20261128134134_order_total', '2026-11-28 13:45:57.825366+00');
INSERT INTO drizzle.__drizzle_migrations VALUES (4, 'e14e509550e2e2bb1e654e36cc092271dd1a289ec53ac3116913cf53a3152ac1', 1795873296000, '20261128134136_index_orders', '2026-11-28 13:45:57.825366+00');
INSERT INTO drizzle.__drizzle_migrations VALUES (5, '315473a27c3413dbff149b4a3c0b90484b02dceb4ce8ba601f55ebeb0a39f6c4', 1795873297000, '20261128134137_add_email', '2026-11-28 13:45:57.825366+00');

SELECT pg_catalog.setval('drizzle.__drizzle_migrations_id_seq', 5, true);

ALTER TABLE ONLY drizzle.__drizzle_migrations
    ADD CONSTRAINT __drizzle_migrations_pkey PRIMARY KEY (id);

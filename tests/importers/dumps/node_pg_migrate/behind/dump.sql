-- left by node-pg-migrate 9.0.0
CREATE TABLE public.pgmigrations (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    run_on timestamp without time zone NOT NULL
);

CREATE SEQUENCE public.pgmigrations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.pgmigrations_id_seq OWNED BY public.pgmigrations.id;

ALTER TABLE ONLY public.pgmigrations ALTER COLUMN id SET DEFAULT nextval('public.pgmigrations_id_seq'::regclass);

INSERT INTO public.pgmigrations VALUES (1, '1714554000000_create-users', '2026-11-28 13:45:01.363637');
INSERT INTO public.pgmigrations VALUES (2, '1714640400000_create-orders', '2026-11-28 13:45:01.363637');
INSERT INTO public.pgmigrations VALUES (3, '1714726800000_order-total', '2026-11-28 13:45:01.363637');
INSERT INTO public.pgmigrations VALUES (4, '1714813200000_index-orders', '2026-11-28 13:45:01.363637');

SELECT pg_catalog.setval('public.pgmigrations_id_seq', 4, true);

ALTER TABLE ONLY public.pgmigrations
    ADD CONSTRAINT pgmigrations_pkey PRIMARY KEY (id);

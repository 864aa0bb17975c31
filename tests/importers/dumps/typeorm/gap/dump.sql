-- left by typeorm 1.1.1
CREATE TABLE public.migrations (
    id integer NOT NULL,
    "timestamp" bigint NOT NULL,
    name character varying NOT NULL
);

CREATE SEQUENCE public.migrations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.migrations_id_seq OWNED BY public.migrations.id;

ALTER TABLE ONLY public.migrations ALTER COLUMN id SET DEFAULT nextval('public.migrations_id_seq'::regclass);

INSERT INTO public.migrations VALUES (1, 1714554000000, 'CreateUsers1714554000000');
INSERT INTO public.migrations VALUES (2, 1714640400000, 'CreateOrders1714640400000');
INSERT INTO public.migrations VALUES (3, 1714813200000, 'IndexOrders1714813200000');
INSERT INTO public.migrations VALUES (4, 1714899600000, 'AddEmail1714899600000');

SELECT pg_catalog.setval('public.migrations_id_seq', 4, true);

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT "PK_8c82d7f526340ab734260ea46be" PRIMARY KEY (id);

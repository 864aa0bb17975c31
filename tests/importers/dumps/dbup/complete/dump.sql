-- hand-made from the DDL of dbup-postgresql 6
CREATE TABLE public.schemaversions (
    schemaversionsid integer NOT NULL,
    scriptname character varying(255) NOT NULL,
    applied timestamp without time zone NOT NULL
);

CREATE SEQUENCE public.schemaversions_schemaversionsid_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.schemaversions_schemaversionsid_seq OWNED BY public.schemaversions.schemaversionsid;

ALTER TABLE ONLY public.schemaversions ALTER COLUMN schemaversionsid SET DEFAULT nextval('public.schemaversions_schemaversionsid_seq'::regclass);

INSERT INTO public.schemaversions VALUES (1, 'Shop.Scripts.Script0001_create_users.sql', '2024-05-06 09:00:01.123456');
INSERT INTO public.schemaversions VALUES (2, 'Shop.Scripts.Script0002_create_orders.sql', '2024-05-06 09:00:02.123456');
INSERT INTO public.schemaversions VALUES (3, 'Shop.Scripts.Script0003_order_total.sql', '2024-05-06 09:00:03.123456');
INSERT INTO public.schemaversions VALUES (4, 'Shop.Scripts.Script0004_index_orders.sql', '2024-05-06 09:00:04.123456');
INSERT INTO public.schemaversions VALUES (5, 'Shop.Scripts.Script0005_add_email.sql', '2024-05-06 09:00:05.123456');

ALTER TABLE ONLY public.schemaversions
    ADD CONSTRAINT "PK_schemaversions_Id" PRIMARY KEY (schemaversionsid);

-- left by liquibase 5.0.4
CREATE TABLE public.databasechangelog (
    id character varying(255) NOT NULL,
    author character varying(255) NOT NULL,
    filename character varying(255) NOT NULL,
    dateexecuted timestamp without time zone NOT NULL,
    orderexecuted integer NOT NULL,
    exectype character varying(10) NOT NULL,
    md5sum character varying(35),
    description character varying(255),
    comments character varying(255),
    tag character varying(255),
    liquibase character varying(20),
    contexts character varying(255),
    labels character varying(255),
    deployment_id character varying(10)
);

CREATE TABLE public.databasechangeloglock (
    id integer NOT NULL,
    locked boolean NOT NULL,
    lockgranted timestamp without time zone,
    lockedby character varying(255)
);

INSERT INTO public.databasechangelog VALUES ('1-create-users', 'ada', 'files/001_create_users.sql', '2026-11-28 14:00:12.708403', 1, 'EXECUTED', '9:4ea305ab47eb6e7aaee2d0a8a84a707c', 'sql', '', NULL, '5.0.4', NULL, NULL, '5874411099');
INSERT INTO public.databasechangelog VALUES ('2-create-orders', 'ada', 'files/002_create_orders.sql', '2026-11-28 14:00:12.732906', 2, 'EXECUTED', '9:1ec1ac85d62253741462242ffa64285a', 'sql', '', NULL, '5.0.4', NULL, NULL, '5874411099');
INSERT INTO public.databasechangelog VALUES ('3-order-total', 'ada', 'files/003_order_total.sql', '2026-11-28 14:00:12.762723', 3, 'EXECUTED', '9:0a1c97e75b5c6aeca82b2ef68afadfc4', 'sql', '', NULL, '5.0.4', NULL, NULL, '5874411099');
INSERT INTO public.databasechangelog VALUES ('5-add-email', 'ada', 'files/005_add_email.sql', '2026-11-28 14:00:14.697348', 4, 'EXECUTED', '9:1c56399b930d5a74d229ba2a94c2d9cb', 'sql', '', NULL, '5.0.4', NULL, NULL, '5874413086');

INSERT INTO public.databasechangeloglock VALUES (1, false, NULL, NULL);

ALTER TABLE ONLY public.databasechangeloglock
    ADD CONSTRAINT databasechangeloglock_pkey PRIMARY KEY (id);

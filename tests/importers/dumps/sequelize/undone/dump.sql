-- left by sequelize-cli 6.6.5
CREATE TABLE public."SequelizeMeta" (
    name character varying(255) NOT NULL
);

INSERT INTO public."SequelizeMeta" VALUES ('20240501090000-create-users.js');
INSERT INTO public."SequelizeMeta" VALUES ('20240502090000-create-orders.js');
INSERT INTO public."SequelizeMeta" VALUES ('20240503090000-order-total.js');
INSERT INTO public."SequelizeMeta" VALUES ('20240504090000-index-orders.js');

ALTER TABLE ONLY public."SequelizeMeta"
    ADD CONSTRAINT "SequelizeMeta_pkey" PRIMARY KEY (name);

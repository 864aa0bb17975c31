-- left by umzug 3.8.3
CREATE TABLE public."SequelizeMeta" (
    name character varying(255) NOT NULL
);

INSERT INTO public."SequelizeMeta" VALUES ('20240501090000-create-users.sql');
INSERT INTO public."SequelizeMeta" VALUES ('20240502090000-create-orders.sql');
INSERT INTO public."SequelizeMeta" VALUES ('20240504090000-index-orders.sql');
INSERT INTO public."SequelizeMeta" VALUES ('20240505090000-add-email.sql');

ALTER TABLE ONLY public."SequelizeMeta"
    ADD CONSTRAINT "SequelizeMeta_pkey" PRIMARY KEY (name);

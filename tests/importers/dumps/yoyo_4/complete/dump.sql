-- hand-made from the DDL of yoyo 4
CREATE TABLE public._yoyo_migration (
    id character varying(255) NOT NULL,
    ctime timestamp without time zone
);

INSERT INTO public._yoyo_migration VALUES ('0001.create-users', '2016-02-01 10:00:00');
INSERT INTO public._yoyo_migration VALUES ('0002.add-email', '2016-02-01 10:00:01');

ALTER TABLE ONLY public._yoyo_migration
    ADD CONSTRAINT _yoyo_migration_pkey PRIMARY KEY (id);

-- left by yoyo 9.0.0
CREATE TABLE public._yoyo_log (
    id character varying(36) NOT NULL,
    migration_hash character varying(64),
    migration_id character varying(255),
    operation character varying(10),
    username character varying(255),
    hostname character varying(255),
    comment character varying(255),
    created_at_utc timestamp without time zone
);

CREATE TABLE public._yoyo_migration (
    migration_hash character varying(64) NOT NULL,
    migration_id character varying(255),
    applied_at_utc timestamp without time zone
);

CREATE TABLE public._yoyo_version (
    version integer NOT NULL,
    installed_at_utc timestamp without time zone
);

CREATE TABLE public.yoyo_lock (
    locked integer DEFAULT 1 NOT NULL,
    ctime timestamp without time zone,
    pid integer NOT NULL
);

INSERT INTO public._yoyo_log VALUES ('f97f52ea-eb33-11f1-b7d7-000000000000', '6c91f971991294621bf3f74fad0124dbcf8b57ec973035db08a706b43bb755f5', '0001.create-users', 'apply', 'app', 'localhost', NULL, '2026-11-28 13:59:48.6937');
INSERT INTO public._yoyo_log VALUES ('f983ec60-eb33-11f1-b7d7-000000000000', '848f1ff23f7803a0b7312054d010d4db6514594f04306def90132427421ef2b8', '0002.create-orders', 'apply', 'app', 'localhost', NULL, '2026-11-28 13:59:48.722893');
INSERT INTO public._yoyo_log VALUES ('f9856f7c-eb33-11f1-b7d7-000000000000', 'c9ec967bf83f624c74dc86b130bf656c3b0b629a1fb64b58c9bd811a862a5515', '0003.order-total', 'apply', 'app', 'localhost', NULL, '2026-11-28 13:59:48.73279');
INSERT INTO public._yoyo_log VALUES ('f98631d2-eb33-11f1-b7d7-000000000000', '569fddf3ad91c578636af039312dc1e9fe1f7f7f4d978e8a618f68c9ac835cee', '0004.index-orders', 'apply', 'app', 'localhost', NULL, '2026-11-28 13:59:48.737771');

INSERT INTO public._yoyo_migration VALUES ('6c91f971991294621bf3f74fad0124dbcf8b57ec973035db08a706b43bb755f5', '0001.create-users', '2026-11-28 13:59:48.70646');
INSERT INTO public._yoyo_migration VALUES ('848f1ff23f7803a0b7312054d010d4db6514594f04306def90132427421ef2b8', '0002.create-orders', '2026-11-28 13:59:48.724339');
INSERT INTO public._yoyo_migration VALUES ('c9ec967bf83f624c74dc86b130bf656c3b0b629a1fb64b58c9bd811a862a5515', '0003.order-total', '2026-11-28 13:59:48.733316');
INSERT INTO public._yoyo_migration VALUES ('569fddf3ad91c578636af039312dc1e9fe1f7f7f4d978e8a618f68c9ac835cee', '0004.index-orders', '2026-11-28 13:59:48.738907');

INSERT INTO public._yoyo_version VALUES (2, '2026-11-28 13:59:48.680844');

ALTER TABLE ONLY public._yoyo_log
    ADD CONSTRAINT _yoyo_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public._yoyo_migration
    ADD CONSTRAINT _yoyo_migration_pkey PRIMARY KEY (migration_hash);

ALTER TABLE ONLY public._yoyo_version
    ADD CONSTRAINT _yoyo_version_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.yoyo_lock
    ADD CONSTRAINT yoyo_lock_pkey PRIMARY KEY (locked);

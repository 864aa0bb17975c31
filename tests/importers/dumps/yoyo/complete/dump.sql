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

INSERT INTO public._yoyo_log VALUES ('f949da7a-eb33-11f1-9c61-000000000000', '6c91f971991294621bf3f74fad0124dbcf8b57ec973035db08a706b43bb755f5', '0001.create-users', 'apply', 'app', 'localhost', NULL, '2026-11-28 13:59:48.343135');
INSERT INTO public._yoyo_log VALUES ('f94b0e18-eb33-11f1-9c61-000000000000', '848f1ff23f7803a0b7312054d010d4db6514594f04306def90132427421ef2b8', '0002.create-orders', 'apply', 'app', 'localhost', NULL, '2026-11-28 13:59:48.350192');
INSERT INTO public._yoyo_log VALUES ('f94bcaba-eb33-11f1-9c61-000000000000', 'c9ec967bf83f624c74dc86b130bf656c3b0b629a1fb64b58c9bd811a862a5515', '0003.order-total', 'apply', 'app', 'localhost', NULL, '2026-11-28 13:59:48.355009');
INSERT INTO public._yoyo_log VALUES ('f94d478c-eb33-11f1-9c61-000000000000', '569fddf3ad91c578636af039312dc1e9fe1f7f7f4d978e8a618f68c9ac835cee', '0004.index-orders', 'apply', 'app', 'localhost', NULL, '2026-11-28 13:59:48.364759');
INSERT INTO public._yoyo_log VALUES ('f94de48a-eb33-11f1-9c61-000000000000', '28ecd38e41fc7e179df160ae2ccf96012bdc6e32c61a7c90200d0585c5850908', '0005.add-email', 'apply', 'app', 'localhost', NULL, '2026-11-28 13:59:48.368773');

INSERT INTO public._yoyo_migration VALUES ('6c91f971991294621bf3f74fad0124dbcf8b57ec973035db08a706b43bb755f5', '0001.create-users', '2026-11-28 13:59:48.344027');
INSERT INTO public._yoyo_migration VALUES ('848f1ff23f7803a0b7312054d010d4db6514594f04306def90132427421ef2b8', '0002.create-orders', '2026-11-28 13:59:48.351338');
INSERT INTO public._yoyo_migration VALUES ('c9ec967bf83f624c74dc86b130bf656c3b0b629a1fb64b58c9bd811a862a5515', '0003.order-total', '2026-11-28 13:59:48.356038');
INSERT INTO public._yoyo_migration VALUES ('569fddf3ad91c578636af039312dc1e9fe1f7f7f4d978e8a618f68c9ac835cee', '0004.index-orders', '2026-11-28 13:59:48.365821');
INSERT INTO public._yoyo_migration VALUES ('28ecd38e41fc7e179df160ae2ccf96012bdc6e32c61a7c90200d0585c5850908', '0005.add-email', '2026-11-28 13:59:48.369761');

INSERT INTO public._yoyo_version VALUES (2, '2026-11-28 13:59:48.326247');

ALTER TABLE ONLY public._yoyo_log
    ADD CONSTRAINT _yoyo_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public._yoyo_migration
    ADD CONSTRAINT _yoyo_migration_pkey PRIMARY KEY (migration_hash);

ALTER TABLE ONLY public._yoyo_version
    ADD CONSTRAINT _yoyo_version_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.yoyo_lock
    ADD CONSTRAINT yoyo_lock_pkey PRIMARY KEY (locked);

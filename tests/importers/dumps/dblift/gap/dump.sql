-- left by dblift 5.1.0
CREATE TABLE public.dblift_migration_lock (
    lock_name character varying(255) NOT NULL,
    locked_at timestamp without time zone DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE public.dblift_schema_history (
    installed_rank integer NOT NULL,
    version character varying(50),
    description character varying(200) NOT NULL,
    type character varying(20) NOT NULL,
    script character varying(1000) NOT NULL,
    checksum character varying(64),
    installed_by character varying(100) NOT NULL,
    installed_on timestamp without time zone DEFAULT CURRENT_TIMESTAMP,
    execution_time integer NOT NULL,
    success boolean NOT NULL
);

CREATE SEQUENCE public.dblift_schema_history_installed_rank_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.dblift_schema_history_installed_rank_seq OWNED BY public.dblift_schema_history.installed_rank;

ALTER TABLE ONLY public.dblift_schema_history ALTER COLUMN installed_rank SET DEFAULT nextval('public.dblift_schema_history_installed_rank_seq'::regclass);

INSERT INTO public.dblift_schema_history VALUES (1, '1', 'create_users', 'SQL', 'V1__create_users.sql', '359488776', 'app', '2026-11-28 13:57:10.605061', 36, true);
INSERT INTO public.dblift_schema_history VALUES (2, '2', 'create_orders', 'SQL', 'V2__create_orders.sql', '-1495894819', 'app', '2026-11-28 13:57:10.65007', 9, true);
INSERT INTO public.dblift_schema_history VALUES (3, '4', 'index_orders', 'SQL', 'V4__index_orders.sql', '1035915389', 'app', '2026-11-28 13:57:10.682539', 17, true);
INSERT INTO public.dblift_schema_history VALUES (4, '5', 'add_email', 'SQL', 'V5__add_email.sql', '-596222700', 'app', '2026-11-28 13:57:10.686574', 1, true);

SELECT pg_catalog.setval('public.dblift_schema_history_installed_rank_seq', 4, true);

ALTER TABLE ONLY public.dblift_migration_lock
    ADD CONSTRAINT dblift_migration_lock_pkey PRIMARY KEY (lock_name);

ALTER TABLE ONLY public.dblift_schema_history
    ADD CONSTRAINT dblift_schema_history_pkey PRIMARY KEY (installed_rank);

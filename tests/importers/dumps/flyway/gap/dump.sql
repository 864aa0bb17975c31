-- left by flyway 11.14.1
CREATE TABLE public.flyway_schema_history (
    installed_rank integer NOT NULL,
    version character varying(50),
    description character varying(200) NOT NULL,
    type character varying(20) NOT NULL,
    script character varying(1000) NOT NULL,
    checksum integer,
    installed_by character varying(100) NOT NULL,
    installed_on timestamp without time zone DEFAULT now() NOT NULL,
    execution_time integer NOT NULL,
    success boolean NOT NULL
);

INSERT INTO public.flyway_schema_history VALUES (1, '1', 'create users', 'SQL', 'V1__create_users.sql', 359488776, 'app', '2026-11-28 13:38:04.943636', 5, true);
INSERT INTO public.flyway_schema_history VALUES (2, '2', 'create orders', 'SQL', 'V2__create_orders.sql', -1495894819, 'app', '2026-11-28 13:38:04.971948', 6, true);
INSERT INTO public.flyway_schema_history VALUES (3, '4', 'index orders', 'SQL', 'V4__index_orders.sql', 1035915389, 'app', '2026-11-28 13:38:04.998994', 11, true);
INSERT INTO public.flyway_schema_history VALUES (4, '5', 'add email', 'SQL', 'V5__add_email.sql', -596222700, 'app', '2026-11-28 13:38:05.004744', 3, true);

ALTER TABLE ONLY public.flyway_schema_history
    ADD CONSTRAINT flyway_schema_history_pk PRIMARY KEY (installed_rank);

CREATE INDEX flyway_schema_history_s_idx ON public.flyway_schema_history USING btree (success);

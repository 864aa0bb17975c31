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

INSERT INTO public.flyway_schema_history VALUES (1, '1', 'create users', 'SQL', 'V1__create_users.sql', 359488776, 'app', '2026-11-28 13:38:03.199318', 6, true);
INSERT INTO public.flyway_schema_history VALUES (2, '2', 'create orders', 'SQL', 'V2__create_orders.sql', -1495894819, 'app', '2026-11-28 13:38:03.223809', 2, true);
INSERT INTO public.flyway_schema_history VALUES (3, '3', 'order total', 'SQL', 'V3__order_total.sql', -766239214, 'app', '2026-11-28 13:38:03.231542', 1, true);
INSERT INTO public.flyway_schema_history VALUES (4, '4', 'index orders', 'SQL', 'V4__index_orders.sql', 1035915389, 'app', '2026-11-28 13:38:03.240798', 2, true);
INSERT INTO public.flyway_schema_history VALUES (5, '5', 'add email', 'SQL', 'V5__add_email.sql', -596222700, 'app', '2026-11-28 13:38:03.248325', 0, true);

ALTER TABLE ONLY public.flyway_schema_history
    ADD CONSTRAINT flyway_schema_history_pk PRIMARY KEY (installed_rank);

CREATE INDEX flyway_schema_history_s_idx ON public.flyway_schema_history USING btree (success);

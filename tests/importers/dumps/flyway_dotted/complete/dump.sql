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

INSERT INTO public.flyway_schema_history VALUES (1, '1', 'create users', 'SQL', 'V1__create_users.sql', 359488776, 'app', '2026-11-28 13:38:12.754748', 3, true);
INSERT INTO public.flyway_schema_history VALUES (2, '1.1', 'create orders', 'SQL', 'V1_1__create_orders.sql', -1495894819, 'app', '2026-11-28 13:38:12.771901', 9, true);
INSERT INTO public.flyway_schema_history VALUES (3, '1.9', 'order total', 'SQL', 'V1.9__order_total.sql', -766239214, 'app', '2026-11-28 13:38:12.787149', 3, true);
INSERT INTO public.flyway_schema_history VALUES (4, '1.10', 'index orders', 'SQL', 'V1.10__index_orders.sql', 1035915389, 'app', '2026-11-28 13:38:12.807595', 5, true);
INSERT INTO public.flyway_schema_history VALUES (5, '2', 'add email', 'SQL', 'V2__add_email.sql', -596222700, 'app', '2026-11-28 13:38:12.812382', 3, true);

ALTER TABLE ONLY public.flyway_schema_history
    ADD CONSTRAINT flyway_schema_history_pk PRIMARY KEY (installed_rank);

CREATE INDEX flyway_schema_history_s_idx ON public.flyway_schema_history USING btree (success);

-- left by refinery 0.10.0
CREATE TABLE public.refinery_schema_history (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);

INSERT INTO public.refinery_schema_history VALUES (1, 'create_users', '2026-11-28T13:49:52.920130256Z', '11010052005800497415');
INSERT INTO public.refinery_schema_history VALUES (2, 'create_orders', '2026-11-28T13:49:52.920134862Z', '11384965412844396243');
INSERT INTO public.refinery_schema_history VALUES (4, 'index_orders', '2026-11-28T13:49:52.920135529Z', '3705906077163220476');
INSERT INTO public.refinery_schema_history VALUES (5, 'add_email', '2026-11-28T13:49:52.920136233Z', '10744083315372815356');

ALTER TABLE ONLY public.refinery_schema_history
    ADD CONSTRAINT refinery_schema_history_pkey PRIMARY KEY (version);

-- left by atlas 1.2.3
CREATE TABLE public.atlas_schema_revisions (
    version character varying NOT NULL,
    description character varying NOT NULL,
    type bigint DEFAULT 2 NOT NULL,
    applied bigint DEFAULT 0 NOT NULL,
    total bigint DEFAULT 0 NOT NULL,
    executed_at timestamp with time zone NOT NULL,
    execution_time bigint NOT NULL,
    error text,
    error_stmt text,
    hash character varying NOT NULL,
    partial_hashes jsonb,
    operator_version character varying NOT NULL
);

INSERT INTO public.atlas_schema_revisions VALUES ('20240501090000', 'create_users', 2, 2, 2, '2026-11-28 13:59:36.162431+00', 353861, '', '', '/dw3vkDtaVmNQdIXS5578iL6YoJuON6PAVbaVl06sVc=', 'null', 'Atlas CLI - development');
INSERT INTO public.atlas_schema_revisions VALUES ('20240502090000', 'create_orders', 2, 2, 2, '2026-11-28 13:59:36.169197+00', 306194, '', '', 'nd/Q4Dq1FCrVsvfc3ovtRy42r7PZpoaReM9htab1mw4=', 'null', 'Atlas CLI - development');
INSERT INTO public.atlas_schema_revisions VALUES ('20240503090000', 'order_total', 2, 1, 1, '2026-11-28 13:59:36.178602+00', 292029, '', '', 'wP3yRjsSj3LHWPobvqWNzU60nhGjdSKLmJ2MO5AGY9s=', 'null', 'Atlas CLI - development');
INSERT INTO public.atlas_schema_revisions VALUES ('20240504090000', 'index_orders', 2, 2, 2, '2026-11-28 13:59:36.182082+00', 4031873, '', '', '1qVvjWS+pXElgjb2sCJFv/TtK+Xt4oqgi7a77c8kJ+4=', 'null', 'Atlas CLI - development');
INSERT INTO public.atlas_schema_revisions VALUES ('20240505090000', 'add_email', 2, 1, 1, '2026-11-28 13:59:36.206574+00', 250003, '', '', '9fbTTZcif1Z4k3BisYcRXqx/7jxklkLAMzzLT1Tzo5E=', 'null', 'Atlas CLI - development');

ALTER TABLE ONLY public.atlas_schema_revisions
    ADD CONSTRAINT atlas_schema_revisions_pkey PRIMARY KEY (version);

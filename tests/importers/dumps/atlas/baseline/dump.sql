-- left by atlas 1.2.3
CREATE SCHEMA atlas_schema_revisions;
CREATE TABLE atlas_schema_revisions.atlas_schema_revisions (
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

INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('20240502090000', 'create_orders', 1, 0, 0, '2026-11-28 13:59:36.395754+00', 0, '', '', '', 'null', 'Atlas CLI - development');
INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('20240503090000', 'order_total', 2, 1, 1, '2026-11-28 13:59:36.39785+00', 316972, '', '', 'wP3yRjsSj3LHWPobvqWNzU60nhGjdSKLmJ2MO5AGY9s=', 'null', 'Atlas CLI - development');
INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('20240504090000', 'index_orders', 2, 2, 2, '2026-11-28 13:59:36.400031+00', 461241, '', '', '1qVvjWS+pXElgjb2sCJFv/TtK+Xt4oqgi7a77c8kJ+4=', 'null', 'Atlas CLI - development');
INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('20240505090000', 'add_email', 2, 1, 1, '2026-11-28 13:59:36.404304+00', 257841, '', '', '9fbTTZcif1Z4k3BisYcRXqx/7jxklkLAMzzLT1Tzo5E=', 'null', 'Atlas CLI - development');

ALTER TABLE ONLY atlas_schema_revisions.atlas_schema_revisions
    ADD CONSTRAINT atlas_schema_revisions_pkey PRIMARY KEY (version);

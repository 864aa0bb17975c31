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

INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('20240501090000', 'create_users', 2, 2, 2, '2026-11-28 13:59:35.73784+00', 260719, '', '', '/dw3vkDtaVmNQdIXS5578iL6YoJuON6PAVbaVl06sVc=', 'null', 'Atlas CLI - development');
INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('20240502090000', 'create_orders', 2, 2, 2, '2026-11-28 13:59:35.744371+00', 451700, '', '', 'nd/Q4Dq1FCrVsvfc3ovtRy42r7PZpoaReM9htab1mw4=', 'null', 'Atlas CLI - development');
INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('20240504090000', 'index_orders', 2, 2, 2, '2026-11-28 13:59:35.749312+00', 4013424, '', '', 'nNG4wfDufG7J4RVYOaEA2Mhga7ApXwP1HeG+4fcSKZ0=', 'null', 'Atlas CLI - development');
INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('20240505090000', 'add_email', 2, 1, 1, '2026-11-28 13:59:35.790717+00', 220496, '', '', '74OgupI9SNe/TKcxYqg4X5Fh4LayZ++uPX6lHfRD1Q0=', 'null', 'Atlas CLI - development');

ALTER TABLE ONLY atlas_schema_revisions.atlas_schema_revisions
    ADD CONSTRAINT atlas_schema_revisions_pkey PRIMARY KEY (version);

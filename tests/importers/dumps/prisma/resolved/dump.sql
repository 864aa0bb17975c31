-- left by prisma 6.19.3
CREATE TABLE public._prisma_migrations (
    id character varying(36) NOT NULL,
    checksum character varying(64) NOT NULL,
    finished_at timestamp with time zone,
    migration_name character varying(255) NOT NULL,
    logs text,
    rolled_back_at timestamp with time zone,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    applied_steps_count integer DEFAULT 0 NOT NULL
);

INSERT INTO public._prisma_migrations VALUES ('4791c1d4-7ff8-41b4-8b53-cd8dcbb1d3f8', '1c1e91334c75d52fdaf7d43382d7ef1f60c21f626fe32652c25a86791a455347', '2026-11-28 13:48:31.686+00', '20240501090000_create_users', NULL, NULL, '2026-11-28 13:48:31.669+00', 1);
INSERT INTO public._prisma_migrations VALUES ('6fe8e247-76ed-4bd6-bd07-4f88389088d8', '0463fc41ed4656a95b366cb03fe6745ae80b9aa337ff26398eb256d83f8ef891', '2026-11-28 13:48:31.71+00', '20240502090000_create_orders', NULL, NULL, '2026-11-28 13:48:31.693+00', 1);
INSERT INTO public._prisma_migrations VALUES ('52048705-19c8-4a94-9136-4ffb19560c18', '77046becb7a7455bdb4efd75b555f8c0bb3792ca7fd331f901c259a7dce5f4e0', '2026-11-28 13:48:31.723+00', '20240503090000_order_total', NULL, NULL, '2026-11-28 13:48:31.714+00', 1);
INSERT INTO public._prisma_migrations VALUES ('0a31a0b2-41c9-4073-9b75-79982688af8e', 'ef247d887ce5e92e61b1cdf678bef65843e117bbe7aca60b3ee36e271d9455f5', '2026-11-28 13:48:31.746+00', '20240504090000_index_orders', NULL, NULL, '2026-11-28 13:48:31.726+00', 1);
INSERT INTO public._prisma_migrations VALUES ('94d39d67-72fc-40ea-bfe2-990859943057', '315473a27c3413dbff149b4a3c0b90484b02dceb4ce8ba601f55ebeb0a39f6c4', NULL, '20240505090000_add_email', 'external connector error
External error id#0
   0: sql_schema_connector::apply_migration::apply_script
           with migration_name="20240505090000_add_email"
             at schema-engine/connectors/sql-schema-connector/src/apply_migration.rs:113
   1: schema_commands::commands::apply_migrations::Applying migration
           with migration_name="20240505090000_add_email"
             at schema-engine/commands/src/commands/apply_migrations.rs:95
   2: schema_engine_wasm::wasm::engine::ApplyMigrations
             at schema-engine/schema-engine-wasm/src/wasm/engine.rs:167', '2026-11-28 13:48:43.584+00', '2026-11-28 13:48:42.671+00', 0);
INSERT INTO public._prisma_migrations VALUES ('735075d9-b001-403f-bf27-ad11f825d833', '315473a27c3413dbff149b4a3c0b90484b02dceb4ce8ba601f55ebeb0a39f6c4', '2026-11-28 13:48:43.59+00', '20240505090000_add_email', '', NULL, '2026-11-28 13:48:43.59+00', 0);

ALTER TABLE ONLY public._prisma_migrations
    ADD CONSTRAINT _prisma_migrations_pkey PRIMARY KEY (id);

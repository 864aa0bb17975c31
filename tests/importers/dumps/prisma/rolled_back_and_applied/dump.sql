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

INSERT INTO public._prisma_migrations VALUES ('24ca8113-344c-44fe-8f63-9404368f628d', '1c1e91334c75d52fdaf7d43382d7ef1f60c21f626fe32652c25a86791a455347', '2026-11-28 13:48:54.344+00', '20240501090000_create_users', NULL, NULL, '2026-11-28 13:48:54.337+00', 1);
INSERT INTO public._prisma_migrations VALUES ('ae8841bf-4a5d-4664-aced-036cd3ad3125', '0463fc41ed4656a95b366cb03fe6745ae80b9aa337ff26398eb256d83f8ef891', '2026-11-28 13:48:54.35+00', '20240502090000_create_orders', NULL, NULL, '2026-11-28 13:48:54.345+00', 1);
INSERT INTO public._prisma_migrations VALUES ('af9d8cbf-ba81-41a3-8b72-997c8b434e33', '77046becb7a7455bdb4efd75b555f8c0bb3792ca7fd331f901c259a7dce5f4e0', '2026-11-28 13:48:54.354+00', '20240503090000_order_total', NULL, NULL, '2026-11-28 13:48:54.351+00', 1);
INSERT INTO public._prisma_migrations VALUES ('5e780945-2e63-487e-8988-060423ca564d', 'ef247d887ce5e92e61b1cdf678bef65843e117bbe7aca60b3ee36e271d9455f5', '2026-11-28 13:48:54.358+00', '20240504090000_index_orders', NULL, NULL, '2026-11-28 13:48:54.355+00', 1);
INSERT INTO public._prisma_migrations VALUES ('b51a7268-217a-4011-8d2d-6ee48fad52c1', '315473a27c3413dbff149b4a3c0b90484b02dceb4ce8ba601f55ebeb0a39f6c4', NULL, '20240505090000_add_email', 'external connector error
External error id#0
   0: sql_schema_connector::apply_migration::apply_script
           with migration_name="20240505090000_add_email"
             at schema-engine/connectors/sql-schema-connector/src/apply_migration.rs:113
   1: schema_commands::commands::apply_migrations::Applying migration
           with migration_name="20240505090000_add_email"
             at schema-engine/commands/src/commands/apply_migrations.rs:95
   2: schema_engine_wasm::wasm::engine::ApplyMigrations
             at schema-engine/schema-engine-wasm/src/wasm/engine.rs:167', '2026-11-28 13:49:05.623+00', '2026-11-28 13:49:04.991+00', 0);
INSERT INTO public._prisma_migrations VALUES ('f3618bb8-780a-4320-8222-884362ed4918', '315473a27c3413dbff149b4a3c0b90484b02dceb4ce8ba601f55ebeb0a39f6c4', '2026-11-28 13:49:16.444+00', '20240505090000_add_email', NULL, NULL, '2026-11-28 13:49:16.425+00', 1);

ALTER TABLE ONLY public._prisma_migrations
    ADD CONSTRAINT _prisma_migrations_pkey PRIMARY KEY (id);

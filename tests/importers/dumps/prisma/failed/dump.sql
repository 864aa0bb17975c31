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

INSERT INTO public._prisma_migrations VALUES ('dfec74c8-3c25-4686-8b04-cdf312afef8e', '1c1e91334c75d52fdaf7d43382d7ef1f60c21f626fe32652c25a86791a455347', '2026-11-28 13:47:54.713+00', '20240501090000_create_users', NULL, NULL, '2026-11-28 13:47:54.707+00', 1);
INSERT INTO public._prisma_migrations VALUES ('ba700f68-7dc8-4e6d-81fc-669a7a0965a7', '0463fc41ed4656a95b366cb03fe6745ae80b9aa337ff26398eb256d83f8ef891', '2026-11-28 13:47:54.718+00', '20240502090000_create_orders', NULL, NULL, '2026-11-28 13:47:54.714+00', 1);
INSERT INTO public._prisma_migrations VALUES ('83e5c579-8555-4cd4-9c60-1ddf8247f6a5', '77046becb7a7455bdb4efd75b555f8c0bb3792ca7fd331f901c259a7dce5f4e0', '2026-11-28 13:47:54.722+00', '20240503090000_order_total', NULL, NULL, '2026-11-28 13:47:54.719+00', 1);
INSERT INTO public._prisma_migrations VALUES ('75dc5316-8bd2-40ea-988e-e0898305b61c', 'ef247d887ce5e92e61b1cdf678bef65843e117bbe7aca60b3ee36e271d9455f5', '2026-11-28 13:47:54.728+00', '20240504090000_index_orders', NULL, NULL, '2026-11-28 13:47:54.725+00', 1);
INSERT INTO public._prisma_migrations VALUES ('db695c47-029d-4eb9-9245-55f0fedc7a52', '315473a27c3413dbff149b4a3c0b90484b02dceb4ce8ba601f55ebeb0a39f6c4', NULL, '20240505090000_add_email', 'external connector error
External error id#0
   0: sql_schema_connector::apply_migration::apply_script
           with migration_name="20240505090000_add_email"
             at schema-engine/connectors/sql-schema-connector/src/apply_migration.rs:113
   1: schema_commands::commands::apply_migrations::Applying migration
           with migration_name="20240505090000_add_email"
             at schema-engine/commands/src/commands/apply_migrations.rs:95
   2: schema_engine_wasm::wasm::engine::ApplyMigrations
             at schema-engine/schema-engine-wasm/src/wasm/engine.rs:167', NULL, '2026-11-28 13:48:05.568+00', 0);

ALTER TABLE ONLY public._prisma_migrations
    ADD CONSTRAINT _prisma_migrations_pkey PRIMARY KEY (id);
